import { lazy, Suspense } from "react";
import { Popover } from "./popover.tsx";

const Panel = lazy(() => import("./workshop/share-panel.tsx"));

/** Links, codes and what else a workshop needs. */
export function Share() {
  return (
    <Popover label="Share" title="Share this run" align="right" className="share">
      <Suspense fallback={null}>
        <Panel />
      </Suspense>
    </Popover>
  );
}
