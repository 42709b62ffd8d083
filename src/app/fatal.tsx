import { usePage } from "./state.ts";

/** What is shown when nothing can go on. */
export function Fatal() {
  const message = usePage((state) => state.fatal);
  if (!message) return null;
  const portable = new URL(location.href);
  portable.searchParams.set("engine", "portable");
  return (
    <div className="fatal" role="alertdialog" aria-label="The playground stopped">
      <div>
        <h2>The playground stopped</h2>
        <p>{message}</p>
        <p className="dim">A run that was in progress is kept; the page offers it when it opens again.</p>
        <div className="buttons">
          <button type="button" className="primary" onClick={() => location.reload()}>
            Reload the page
          </button>
          <a className="button" href={portable.href}>
            Try without the GPU
          </a>
        </div>
      </div>
    </div>
  );
}
