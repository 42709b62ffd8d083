import { lazy, Suspense } from "react";
import { Confirm } from "./confirm.tsx";
import { Fatal } from "./fatal.tsx";
import { Header } from "./header.tsx";
import { Inspector } from "./inspector/inspector.tsx";
import { KnobPanel } from "./knobs/panel.tsx";
import { Shortcuts } from "./shortcuts.tsx";
import { Stage } from "./stage/stage.tsx";
import { Toasts } from "./toasts.tsx";
import { Tooltip } from "./tooltip.tsx";
import { Transport } from "./transport.tsx";

const Charts = lazy(() => import("./charts/panel.tsx"));

export function App() {
  return (
    <div className="app">
      <Header />
      <Transport />
      <main className="body">
        <KnobPanel />
        <section className="middle">
          <Stage />
          <Inspector />
        </section>
        <aside className="charts" aria-label="Charts">
          <Suspense fallback={null}>
            <Charts />
          </Suspense>
        </aside>
      </main>
      <Toasts />
      <Confirm />
      <Fatal />
      <Tooltip />
      <Shortcuts />
    </div>
  );
}
