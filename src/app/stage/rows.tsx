import { useMemo } from "react";
import type { Phase, StepRecord } from "../../loop/record.ts";
import type { ChannelId } from "./channels.ts";
import { GroupHeader } from "./group-header.tsx";
import { layoutOf } from "./layout.ts";
import { TokenList } from "./token-list.tsx";
import { TokenRow } from "./token-row.tsx";

/** Groups and their rollouts as a scrolled grid of tokens. */
export function Rows({ record, phase, channel }: { record: StepRecord; phase: Phase; channel: ChannelId }) {
  const layout = useMemo(() => layoutOf(record, phase), [record, phase]);
  return (
    <TokenList record={record} layout={layout} label="Rollouts: arrow keys choose a token">
      {(item, selected) =>
        item.kind === "group" ? (
          <GroupHeader key={`g${item.group}`} record={record} group={item.group} phase={phase} top={item.top} />
        ) : item.kind === "row" ? (
          <TokenRow
            key={`r${item.row}`}
            record={record}
            row={item.row}
            phase={phase}
            channel={channel}
            selected={selected}
            top={item.top}
          />
        ) : null
      }
    </TokenList>
  );
}
