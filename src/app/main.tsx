import { lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { begin } from "./begin.ts";
import { settled } from "./offline/register.ts";
import { usePage } from "./state.ts";
import { followTheme } from "./theme.ts";
import "./theme.css";
import "./layout.css";

/** Pages beside the playground, by the first name in the address. */
const PAGES = {
  selfcheck: lazy(() => import("./workshop/self-check.tsx")),
  board: lazy(() => import("./workshop/board.tsx")),
};

const asked = new URLSearchParams(location.search);
const page = (Object.keys(PAGES) as (keyof typeof PAGES)[]).find((name) => asked.has(name));
const Page = page ? PAGES[page] : App;
followTheme();
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <Suspense fallback={null}>
      <Page />
    </Suspense>
  </StrictMode>,
);
if (page) settled();
else {
  // The first answers are there, or will never be.
  const stop = usePage.subscribe(({ live, fatal }) => {
    if (!live?.tokens && fatal === undefined) return;
    stop();
    settled();
  });
  void begin();
}
