import type { Phase, StepRecord } from "../../loop/record.ts";
import { giveUp } from "../actions.ts";
import { ideaOf } from "../glossary/labels.ts";
import { Term } from "../glossary/term.tsx";
import { shownPhase, shownRecord, usePage } from "../state.ts";
import { captionOf } from "./captions.ts";
import { type Fact, factsOf, stepFacts } from "./facts.ts";
import "./stage.css";
import "./views/views.css";
import { AdvantagesView } from "./views/advantages.tsx";
import { EvaluationView } from "./views/evaluation.tsx";
import { ObjectiveView } from "./views/objective.tsx";
import { PromptsView } from "./views/prompts.tsx";
import { RewardsView } from "./views/rewards.tsx";
import { RolloutsView } from "./views/rollouts.tsx";
import { reached, useStage, type ViewId, viewById, viewOfPhase } from "./views/store.ts";
import { Tabs, tabId } from "./views/tabs.tsx";
import { UpdateView } from "./views/update.tsx";
import { WeightsView } from "./views/weights.tsx";

/** The current phase, large: a caption in plain words, its numbers, and a view of the step. */
export function Stage() {
  const record = usePage(shownRecord);
  const lookBack = usePage((state) => state.lookBack);
  const progress = usePage((state) => state.progress);
  if (lookBack?.record === null) return <Gone step={lookBack.step} problem={lookBack.problem} />;
  if (!record) return <Waiting />;
  return (
    <section className="stage" aria-label="Stage">
      <Shown record={record} />
      {progress && (
        <p className="under-way">
          {progress.what}…
          <progress value={progress.fraction} max={1} aria-label={progress.what} />
          {progress.cancel && <GiveUp />}
        </p>
      )}
    </section>
  );
}

function Shown({ record }: { record: StepRecord }) {
  const phase = usePage(shownPhase)!;
  const viewing = usePage((state) => state.lookBack !== undefined);
  const again = usePage((state) => state.lookBack?.recomputed);
  // In slow motion every phase is there to be read.
  const playing = usePage((state) => state.playing && state.pace === 0 && !state.lookBack && !state.viewPhase);
  const metrics = usePage((state) => (playing ? state.history.at(-1) : undefined));
  const measured = usePage((state) => state.history.findLast((m) => m.step <= record.step && "pass@1" in m));
  const lastPass = measured && { step: measured.step, value: measured["pass@1"] };
  const chosen = useStage((state) => state.view);
  const view = chosen ?? viewOfPhase(phase, playing);
  const caption = captionOf(record, phase, playing);
  return (
    <>
      <div className="caption" data-tip={caption.text}>
        <h2>
          {caption.title}
          <span className="of-step">
            {viewing ? "looking back at " : ""}step {record.step}
            {again && <Again as={again} />}
          </span>
        </h2>{" "}
        <p>{caption.text}</p>
      </div>
      <Facts facts={playing ? stepFacts(metrics) : factsOf(record, phase, lastPass)} />
      <Tabs shown={view} phase={phase} follows={chosen === undefined} />
      <div id="stage-view" className="view" role="tabpanel" aria-labelledby={tabId(view)}>
        <View view={view} record={record} phase={phase} playing={playing} />
      </div>
    </>
  );
}

interface ViewProps {
  readonly view: ViewId;
  readonly record: StepRecord;
  readonly phase: Phase;
  readonly playing: boolean;
}

function View({ view, record, phase, playing }: ViewProps) {
  const spec = viewById(view);
  if (!reached(spec, phase)) return <NotYet shows={spec.shows} from={spec.from} />;
  switch (view) {
    case "prompts":
      return <PromptsView record={record} />;
    case "rewards":
      return <RewardsView record={record} phase={phase} />;
    case "advantages":
      return <AdvantagesView record={record} phase={phase} />;
    case "weights":
      return <WeightsView record={record} phase={phase} />;
    case "objective":
      return <ObjectiveView record={record} />;
    case "update":
      return <UpdateView record={record} phase={phase} />;
    case "rollouts":
      return <RolloutsView record={record} phase={phase} playing={playing} />;
    case "evaluation":
      return <EvaluationView record={record} />;
  }
}

function NotYet({ shows, from }: { shows: string; from: Phase }) {
  return (
    <div className="rows not-yet">
      <p>{shows}</p>
      <p className="dim">Here from “{from}” on: press Phase to go there.</p>
    </div>
  );
}

function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl className="facts">
      {facts.map(({ label, value }) => (
        <div key={label}>
          <dt>
            <Label text={label} />
          </dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A label, with the idea behind it where it names one. */
function Label({ text }: { text: string }) {
  const idea = ideaOf(text);
  return idea === undefined ? text : <Term id={idea}>{text}</Term>;
}

/** The step was not kept but computed anew, and whether that came to the same. */
function Again({ as }: { as: "same" | "different" }) {
  const tip =
    as === "same"
      ? "This step’s record was no longer in memory: it was computed again from a snapshot, and every number equals the original to the bit."
      : "This step’s record was no longer in memory: it was computed again, and some numbers differ from the original in the last digits, because another engine ran then.";
  return (
    <span className="again dim" data-tip={tip}>
      {" "}
      · computed again{as === "same" ? ", the same" : ", not quite the same"}
    </span>
  );
}

function Waiting() {
  const progress = usePage((state) => state.progress);
  const looking = usePage((state) => state.lookBack !== undefined);
  const step = usePage((state) => state.lookBack?.step);
  const recomputing = usePage((state) => state.lookBack?.recomputing);
  if (recomputing) {
    const from = recomputing.from === 0 ? "the beginning" : `the snapshot after step ${recomputing.from}`;
    return (
      <section className="stage waiting" aria-label="Stage" aria-busy="true">
        <p>
          Computing step {step} again, from {from}…
        </p>
        <progress value={recomputing.fraction} max={1} aria-label={`Computing step ${step} again`} />
        <GiveUp />
      </section>
    );
  }
  return (
    <section className="stage waiting" aria-label="Stage" aria-busy="true">
      <p>{progress?.what ?? (looking ? "Fetching that step" : "The policy writes its first answers")}…</p>
      <progress value={progress?.fraction} max={1} aria-label={progress?.what ?? "Working"} />
      {progress?.cancel && <GiveUp />}
    </section>
  );
}

const GiveUp = () => (
  <button type="button" onClick={giveUp}>
    Give up
  </button>
);

function Gone({ step, problem }: { step: number; problem: string | undefined }) {
  return (
    <section className="stage waiting" aria-label="Stage">
      <p>
        Step {step} cannot be shown{problem ? `: ${problem}` : ""}.
      </p>
      <p className="dim">The charts keep every step.</p>
    </section>
  );
}
