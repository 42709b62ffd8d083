import { useMemo } from "react";
import type { Phase, StepRecord } from "../../loop/record.ts";
import { phaseIndex } from "../state.ts";
import type { ChannelId } from "./channels.ts";
import { GroupHeader } from "./group-header.tsx";
import { layoutOf } from "./layout.ts";
import { TokenList } from "./token-list.tsx";
import { TokenRow } from "./token-row.tsx";

/** Groups and their rollouts as a scrolled grid of tokens. */
export function Rows({ record, phase, channel }: { record: StepRecord; phase: Phase; channel: ChannelId }) {
  const layout = useMemo(() => layoutOf(record, phase), [record, phase]);
  const phaseOf = (drawn: StepRecord) => (phaseIndex(drawn.phase) < phaseIndex(phase) ? drawn.phase : phase);
  return (
    <TokenList record={record} layout={layout} label="Rollouts: arrow keys choose a token">
      {(item, selected, _, drawn) =>
        item.kind === "group" ? (
          <GroupHeader key={`g${item.group}`} record={drawn} group={item.group} phase={phaseOf(drawn)} top={item.top} />
        ) : item.kind === "row" ? (
          <TokenRow
            key={`r${item.row}`}
            record={drawn}
            row={item.row}
            phase={phaseOf(drawn)}
            channel={channel}
            selected={selected}
            top={item.top}
          />
        ) : null
      }
    </TokenList>
  );
}
