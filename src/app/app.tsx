import { lazy, Suspense } from "react";
import { useCompare } from "./compare/state.ts";
import { Confirm } from "./confirm.tsx";
import { Engine } from "./engine.tsx";
import { Fatal } from "./fatal.tsx";
import { Header } from "./header.tsx";
import { Inspector } from "./inspector/inspector.tsx";
import { DropFile } from "./kept/drop.tsx";
import { useRuns } from "./kept/open.ts";
import { KnobPanel } from "./knobs/panel.tsx";
import { Learn } from "./lessons/learn.tsx";
import { useRecipes } from "./recipes/open.ts";
import { RecordingLabel } from "./recording/label.tsx";
import { KeysOverlay, Shortcuts } from "./shortcuts.tsx";
import { Stage } from "./stage/stage.tsx";
import { Timeline } from "./timeline/timeline.tsx";
import { Toasts } from "./toasts.tsx";
import { Tooltip } from "./tooltip.tsx";
import { Transport } from "./transport.tsx";
import { Hiding } from "./workshop/hiding.tsx";
import { useLayout } from "./workshop/layout.ts";
import { Replay } from "./workshop/replay.tsx";

const Charts = lazy(() => import("./charts/panel.tsx"));
const Compare = lazy(() => import("./compare/panel.tsx"));
const RecipeChooser = lazy(() => import("./recipes/chooser.tsx"));

const KeptRuns = lazy(() => import("./kept/panel.tsx"));

export function App() {
  const runsOpen = useRuns((state) => state.open);
  const { hidden, presenting } = useLayout();
  const comparing = useCompare((state) => state.open);
  const recipesOpen = useRecipes((state) => state.open);
  return (
    <div className={`app ${presenting ? "presenting" : ""} ${hidden.map((name) => `without-${name.replaceAll(".", "-")}`).join(" ")}`}>
      <Hiding />
      <Header />
      <Transport />
      <div className="time-row">
        <Timeline />
        <Engine />
      </div>
      <main className="body">
        <KnobPanel />
        <section className="middle">
          <RecordingLabel />
          {comparing ? (
            <Suspense fallback={null}>
              <Compare />
            </Suspense>
          ) : (
            <>
              <Stage />
              <Inspector />
            </>
          )}
        </section>
        <aside className="charts" aria-label="Charts">
          <Suspense fallback={null}>
            <Charts />
          </Suspense>
        </aside>
      </main>
      {recipesOpen && (
        <Suspense fallback={null}>
          <RecipeChooser />
        </Suspense>
      )}
      {runsOpen && (
        <Suspense fallback={null}>
          <KeptRuns />
        </Suspense>
      )}
      <Learn />
      {!runsOpen && <Toasts />}
      <Confirm />
      <Replay />
      <Fatal />
      <Tooltip />
      <DropFile />
      <KeysOverlay />
      <Shortcuts />
    </div>
  );
}
