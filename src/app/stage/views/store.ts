import { create } from "zustand";
import type { Phase } from "../../../loop/record.ts";
import { select } from "../../actions.ts";
import { phaseIndex, usePage } from "../../state.ts";
import type { ChannelId } from "../channels.ts";

/** What a person has chosen to see on the stage. */

export type ViewId = "prompts" | "rollouts" | "rewards" | "advantages" | "weights" | "objective" | "update" | "evaluation";

export interface ViewSpec {
  readonly id: ViewId;
  readonly label: string;
  /** The phase from which on there is something to see. */
  readonly from: Phase;
  /** What it shows: the tooltip of its tab, and what stands there until there is something. */
  readonly shows: string;
}

/** In the order of the tabs, which is that of the phases. */
export const VIEWS: readonly ViewSpec[] = [
  { id: "prompts", label: "Prompts", from: "prompts", shows: "The problems as pictures, and what the verifier will check." },
  { id: "rollouts", label: "Rollouts", from: "rollouts", shows: "Every answer token by token, in a colour of your choice, or as a tree." },
  { id: "rewards", label: "Rewards", from: "verdicts", shows: "What the verifier said and why, and the parts that add up to each reward." },
  {
    id: "advantages",
    label: "Advantages",
    from: "advantages",
    shows: "Each group on its own axis: rewards above, the advantages made from them below.",
  },
  { id: "weights", label: "Weights", from: "update", shows: "How much each token counts in the loss, and which tokens are masked." },
  { id: "objective", label: "Objective", from: "update", shows: "Every token as a dot on the curve of the objective." },
  {
    id: "update",
    label: "Update",
    from: "update",
    shows: "Each token’s probability before and after, and where in the network the gradient is.",
  },
  {
    id: "evaluation",
    label: "Evaluation",
    from: "prompts",
    shows: "pass@k on problems kept aside, against the policy before training, and answers to one of them.",
  },
];

export const viewById = (id: ViewId) => VIEWS.find((view) => view.id === id)!;

/** The view of a phase; while steps fly by, the answers. */
export function viewOfPhase(phase: Phase, playing: boolean): ViewId {
  if (playing) return "rollouts";
  return phase === "verdicts" ? "rewards" : phase;
}

interface StageState {
  /** Undefined: the phase's own. */
  readonly view: ViewId | undefined;
  readonly channel: ChannelId | "auto";
  readonly shape: "rows" | "tree";
  /** Place of an optimizer step in the record; undefined: the whole step, or its last. */
  readonly update: number | undefined;
  /** The inspector looks at this optimizer step, counted from 1; undefined: the last in which the token took part. */
  readonly inspectedUpdate: number | undefined;
  /** The inspected token was clicked: passing over others does not change it. */
  readonly pinned: boolean;
  /** The inspector has its room: from the first clicked token until it is closed. */
  readonly inspecting: boolean;
  /** It has more of it than usual. */
  readonly tall: boolean;
}

export const useStage = create<StageState>()(() => ({
  view: undefined,
  channel: "auto",
  shape: "rows",
  update: undefined,
  inspectedUpdate: undefined,
  pinned: false,
  inspecting: false,
  tall: false,
}));

/** A new run begins with a closed inspector. */
usePage.subscribe((now, before) => {
  if (now.run?.setup !== before.run?.setup) useStage.setState({ pinned: false, inspecting: false });
});

export const chooseView = (view: ViewId | undefined) => useStage.setState({ view });

/** Whether a view's phase has been reached. */
export const reached = (view: ViewSpec, phase: Phase) => phaseIndex(phase) >= phaseIndex(view.from);

/** Gives the inspector's room to the stage. */
export function closeInspector(): void {
  useStage.setState({ pinned: false, inspecting: false });
  usePage.setState({ selection: undefined });
}

/** By click or key: stays until another is chosen. A second click on the same token lets it go. */
export function pin(row: number, index: number): void {
  const { selection } = usePage.getState();
  const again = useStage.getState().pinned && selection?.row === row && selection.index === index;
  useStage.setState({ pinned: !again, inspecting: true });
  select(row, index);
}

/** By hovering: only while nothing was clicked. */
export function glance(row: number, index: number): void {
  if (usePage.getState().selection && useStage.getState().pinned) return;
  select(row, index);
}
