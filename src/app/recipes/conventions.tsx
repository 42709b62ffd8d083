import { useMemo, useState } from "react";
import { CONVENTIONS, compareConventions } from "../../algorithm/conventions.ts";
import type { StepRecord } from "../../loop/record.ts";
import { changesBetween, withAllChanges } from "../../recipes/changes.ts";
import type { ResolvedRecipe } from "../../recipes/recipe.ts";
import { turn } from "../actions.ts";
import { fixed, signed } from "../format.ts";
import { lengthOf } from "../stage/token-facts.ts";
import { expectedRecipe, shownRecord, usePage } from "../state.ts";

/** "GRPO" is not one formula: a group of the step on the stage with the advantages that each framework's arithmetic gives its answers. */

/** What a group's answers get: here, and under each convention. */
export interface Comparison {
  readonly group: number;
  readonly members: readonly number[];
  readonly rewards: readonly number[];
  readonly lengths: readonly number[];
  /** What the run trains with; undefined where its advantages are not known yet. */
  readonly own: readonly number[] | undefined;
  readonly conventions: readonly { readonly id: string; readonly name: string; readonly advantage: readonly number[] }[];
}

/** Undefined before the group has rewards. */
export function compareGroup(record: StepRecord, group: number): Comparison | undefined {
  const members = record.groups[group]?.members.filter((row) => record.rollouts[row]) ?? [];
  if (members.length === 0 || members.some((row) => record.rollouts[row].reward === undefined)) return undefined;
  const rewards = members.map((row) => record.rollouts[row].reward!);
  const lengths = members.map((row) => lengthOf(record, row));
  const own = members.map((row) => record.rollouts[row].advantage);
  return {
    group,
    members,
    rewards,
    lengths,
    own: own.every((a) => a !== undefined) ? own : undefined,
    conventions: compareConventions(
      rewards,
      lengths.map((length) => Math.max(1, length)),
    ),
  };
}

/** Whether a recipe's settings are a convention's already: using it would change nothing. */
function inForce(recipe: ResolvedRecipe, id: string): boolean {
  const { settings } = CONVENTIONS.find((convention) => convention.id === id)!;
  return changesBetween(recipe, withAllChanges(recipe, settings)).length === 0;
}

/** The group to begin with: the inspected answer's, or the first whose answers earned different rewards. */
function firstGroup(record: StepRecord): number {
  const { selection } = usePage.getState();
  if (selection?.record.step === record.step) return record.rollouts[selection.row]?.group ?? 0;
  return Math.max(
    0,
    record.groups.findIndex((group) => group.statistics?.signal),
  );
}

export function Conventions() {
  const record = usePage(shownRecord);
  return (
    <>
      <div className="title">
        <h2>One group, eight conventions</h2>
      </div>
      <p>
        Frameworks agree on the name GRPO and differ in its arithmetic. Here are the rewards of one group of the step on the stage, and the
        advantages that each framework’s defaults make of them. What differs beyond the advantage (loss, clip, KL) stands beside it. “use”
        turns all its knobs at once, from the next step on; Ctrl+Z takes that back.
      </p>
      {record ? <OfStep key={record.step} record={record} /> : <p className="dim">There is no step to look at yet.</p>}
    </>
  );
}

function OfStep({ record }: { record: StepRecord }) {
  const [chosen, setChosen] = useState<number>();
  const recipe = usePage(expectedRecipe);
  const group = chosen ?? firstGroup(record);
  const comparison = useMemo(() => compareGroup(record, group), [record, group]);
  const groups = record.groups.length;
  if (!comparison) return <p className="waits">The rewards of this step are not known yet: they come with the phase “rewards”.</p>;
  const { members, rewards, lengths, own, conventions } = comparison;
  const top = Math.max(1e-9, ...[...conventions.map((c) => c.advantage), own ?? []].flat().map(Math.abs));
  return (
    <>
      <div className="which-group">
        <button type="button" aria-label="Group before" disabled={group === 0} onClick={() => setChosen(group - 1)}>
          ←
        </button>
        <span>
          Group {group + 1} of {groups}, step {record.step}: <code>{record.groups[group].problem.prompt}</code>
        </span>
        <button type="button" aria-label="Next group" disabled={group + 1 >= groups} onClick={() => setChosen(group + 1)}>
          →
        </button>
      </div>
      {new Set(rewards).size === 1 && <p className="dim">All its answers earned the same: most conventions learn nothing from it.</p>}
      <div className="comparison">
        <table>
          <thead>
            <tr>
              <th scope="row">answer</th>
              {members.map((row, i) => (
                <th key={row} scope="col" title={record.rollouts[row].text}>
                  {i + 1}
                </th>
              ))}
              <td />
            </tr>
            <tr>
              <th scope="row">reward</th>
              {members.map((row, i) => (
                <td key={row}>{Number.isNaN(rewards[i]) ? "–" : fixed(rewards[i])}</td>
              ))}
              <td />
            </tr>
            <tr>
              <th scope="row">tokens</th>
              {members.map((row, i) => (
                <td key={row}>{lengths[i]}</td>
              ))}
              <td />
            </tr>
          </thead>
          <tbody>
            {own && (
              <tr className="own">
                <th scope="row">This run</th>
                {own.map((a, i) => (
                  <Cell key={members[i]} value={a} top={top} />
                ))}
                <td className="words">What these answers train with.</td>
              </tr>
            )}
            {conventions.map(({ id, name, advantage }) => (
              <tr key={id}>
                <th scope="row">
                  {name}
                  {recipe && <Use recipe={recipe} id={id} name={name} />}
                </th>
                {advantage.map((a, i) => (
                  <Cell key={members[i]} value={a} top={top} />
                ))}
                <td className="words">
                  <Words id={id} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Words({ id }: { id: string }) {
  const { differs, url } = CONVENTIONS.find((convention) => convention.id === id)!;
  return (
    <>
      {differs}{" "}
      <a href={url} target="_blank" rel="noreferrer">
        source
      </a>
    </>
  );
}

/** All switches of a convention, as one turn of the knobs. */
function Use({ recipe, id, name }: { recipe: ResolvedRecipe; id: string; name: string }) {
  if (inForce(recipe, id)) return <span className="dim in-force">in force</span>;
  const { settings } = CONVENTIONS.find((convention) => convention.id === id)!;
  const use = () => turn(changesBetween(recipe, withAllChanges(recipe, settings)));
  return (
    <button type="button" className="use" aria-label={`Use ${name}’s convention`} onClick={use}>
      use
    </button>
  );
}

function Cell({ value, top }: { value: number; top: number }) {
  const share = Math.min(1, Math.abs(value) / top);
  const colour = value > 0 ? "--blue-fill" : "--orange-fill";
  return (
    <td style={{ background: share < 0.005 ? undefined : `color-mix(in srgb, var(${colour}) ${Math.round(share * 60)}%, transparent)` }}>
      {signed(value)}
    </td>
  );
}
