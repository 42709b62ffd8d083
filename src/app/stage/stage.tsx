import { useState } from "react";
import type { StepRecord } from "../../loop/record.ts";
import { count } from "../format.ts";
import { phaseIndex, shownPhase, shownRecord, usePage } from "../state.ts";
import { captionOf } from "./captions.ts";
import { automaticChannel, CHANNELS, type ChannelId, channelById } from "./channels.ts";
import { type Fact, factsOf, stepFacts } from "./facts.ts";
import "./stage.css";
import { Rows } from "./rows.tsx";

/** The current phase, large: a caption in plain words, its numbers, and the rollouts with all that is known of them by then. */
export function Stage() {
  const record = usePage(shownRecord);
  const lookBack = usePage((state) => state.lookBack);
  const progress = usePage((state) => state.progress);
  if (lookBack?.record === null) return <Gone step={lookBack.step} />;
  if (!record) return <Waiting />;
  return (
    <section className="stage" aria-label="Stage">
      <Shown record={record} />
      {progress && (
        <p className="under-way">
          {progress.what}…
          <progress value={progress.fraction} max={1} aria-label={progress.what} />
        </p>
      )}
    </section>
  );
}

function Shown({ record }: { record: StepRecord }) {
  const phase = usePage(shownPhase)!;
  const viewing = usePage((state) => state.lookBack !== undefined);
  const playing = usePage((state) => state.playing && !state.lookBack && !state.viewPhase);
  const metrics = usePage((state) => (playing ? state.history.at(-1) : undefined));
  const measured = usePage((state) => state.history.findLast((m) => m.step <= record.step && "pass@1" in m));
  const lastPass = measured && { step: measured.step, value: measured["pass@1"] };
  const [wanted, setWanted] = useState<ChannelId | "auto">("auto");
  const automatic = automaticChannel(phase, playing);
  const channel = channelById(wanted === "auto" ? automatic : wanted);
  const available = phaseIndex(phase) >= phaseIndex(channel.from);
  const caption = captionOf(record, phase, playing);
  return (
    <>
      <div className="caption">
        <h2>
          {caption.title}
          <span className="of-step">
            {viewing ? "looking back at " : ""}step {record.step}
          </span>
        </h2>
        <p>{caption.text}</p>
      </div>
      <Facts facts={playing ? stepFacts(metrics) : factsOf(record, phase, lastPass)} />
      <div className="channel-bar">
        <select
          value={wanted}
          onChange={(event) => setWanted(event.target.value as ChannelId | "auto")}
          aria-label="Colour tokens by"
          data-tip="What the colour of the tokens says"
        >
          <option value="auto">{channelById(automatic).label} (auto)</option>
          {CHANNELS.map((c) => (
            <option key={c.id} value={c.id}>
              {c.label}
            </option>
          ))}
        </select>
        <span className="legend" data-tip={channel.meaning}>
          {channel.id === "none" ? null : available ? (
            <Legend low={channel.low?.(record)} high={channel.high(record)} />
          ) : (
            <span className="dim">known from “{channel.from}” on</span>
          )}
        </span>
        {phase !== "prompts" && (
          <span className="columns" aria-hidden="true">
            <span>reward</span>
            <span>advantage</span>
          </span>
        )}
      </div>
      <Rows record={record} phase={phase} channel={channel.id} />
    </>
  );
}

function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl className="facts">
      {facts.map(({ label, value }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Legend({ low, high }: { low: string | undefined; high: string }) {
  const steps = [1, 2, 3, 4, 5, 6];
  return (
    <>
      {low !== undefined && (
        <>
          {low}{" "}
          {steps.toReversed().map((i) => (
            <i key={`d${i}`} className={`swatch d${i}`} />
          ))}
        </>
      )}
      {low === undefined && "0 "}
      {steps.map((i) => (
        <i key={i} className={`swatch ${low === undefined ? "s" : "u"}${i}`} />
      ))}{" "}
      {high}
    </>
  );
}

function Waiting() {
  const progress = usePage((state) => state.progress);
  const looking = usePage((state) => state.lookBack !== undefined);
  return (
    <section className="stage waiting" aria-label="Stage" aria-busy="true">
      <p>{progress?.what ?? (looking ? "Fetching that step" : "The policy writes its first answers")}…</p>
      <progress value={progress?.fraction} max={1} aria-label={progress?.what ?? "Working"} />
    </section>
  );
}

function Gone({ step }: { step: number }) {
  const kept = usePage((state) => state.step - step);
  return (
    <section className="stage waiting" aria-label="Stage">
      <p>The answers of step {step} are no longer kept.</p>
      <p className="dim">It lies {count(kept, "step")} back; the records of the newest sixty or so are kept, the charts keep every step.</p>
    </section>
  );
}
