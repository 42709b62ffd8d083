import type { Phase, StepRecord } from "../../../loop/record.ts";
import { AsTable } from "../../as-table.tsx";
import { phaseIndex } from "../../state.ts";
import { automaticChannel, CHANNELS, type ChannelId, channelById } from "../channels.ts";
import { Rows } from "../rows.tsx";
import { useStage } from "./store.ts";
import { channelTable } from "./tables.ts";
import { Tree } from "./tree.tsx";

/** All answers, token by token, coloured by a channel: as rows, or as trees that show where a group's answers part ways. */
export function RolloutsView({ record, phase, playing }: { record: StepRecord; phase: Phase; playing: boolean }) {
  const wanted = useStage((state) => state.channel);
  const shape = useStage((state) => state.shape);
  const automatic = automaticChannel(phase, playing);
  const channel = channelById(wanted === "auto" ? automatic : wanted);
  const available = phaseIndex(phase) >= phaseIndex(channel.from);
  return (
    <>
      <div className="channel-bar">
        <select
          value={wanted}
          onChange={(event) => useStage.setState({ channel: event.target.value as ChannelId | "auto" })}
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
        <fieldset className="segments" aria-label="Answers as">
          {(["rows", "tree"] as const).map((s) => (
            <button
              key={s}
              type="button"
              aria-pressed={shape === s}
              onClick={() => useStage.setState({ shape: s })}
              data-tip={s === "rows" ? "A line an answer" : "Common beginnings merged: where a group’s answers part ways"}
            >
              {s}
            </button>
          ))}
        </fieldset>
        <span className="legend" data-tip={channel.meaning}>
          {channel.id === "none" ? null : available ? (
            <Legend low={channel.low?.(record)} high={channel.high(record)} />
          ) : (
            <span className="dim">known from “{channel.from}” on</span>
          )}
        </span>
        {channel.id !== "none" && available && record.tokens && (
          <AsTable title={`Tokens by ${channel.label}`} table={() => channelTable(record, channel)} />
        )}
        {phase !== "prompts" && shape === "rows" && (
          <span className="columns" aria-hidden="true">
            <span>reward</span>
            <span>advantage</span>
          </span>
        )}
      </div>
      {shape === "tree" && record.tokens && phase !== "prompts" ? (
        <Tree record={record} phase={phase} channel={channel.id} />
      ) : (
        <Rows record={record} phase={phase} channel={channel.id} />
      )}
    </>
  );
}

const STEPS = [1, 2, 3, 4, 5, 6];

export function Legend({ low, high }: { low: string | undefined; high: string }) {
  return (
    <>
      {low !== undefined && (
        <>
          {low}{" "}
          {STEPS.toReversed().map((i) => (
            <i key={`d${i}`} className={`swatch d${i}`} />
          ))}
        </>
      )}
      {low === undefined && "0 "}
      {STEPS.map((i) => (
        <i key={i} className={`swatch ${low === undefined ? "s" : "u"}${i}`} />
      ))}{" "}
      {high}
    </>
  );
}
