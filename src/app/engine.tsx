import { rate } from "./format.ts";
import { Icon } from "./icons.tsx";
import { Popover } from "./popover.tsx";
import { usePage } from "./state.ts";

/** This page's address, with another choice about the engine. */
function withChoice(name: "engine" | "weights", value: string): string {
  const address = new URL(location.href);
  address.searchParams.set(name, value);
  return address.search + address.hash;
}

/** What computes, how fast, and why it is not the GPU if it is not. */
export function Engine() {
  const engine = usePage((state) => state.engine);
  const speed = usePage((state) => state.history.at(-1)?.tokens_per_second);
  if (!engine) return null;
  return (
    <div className="engine">
      <Popover
        align="right"
        title={`Engine: ${engine.label}`}
        label={
          <>
            <span className={`lamp ${engine.kind}`} aria-hidden="true" />
            <span className="engine-label">{engine.label}</span>
            {engine.note && <Icon name="info" size={16} />}
          </>
        }
      >
        <h2>{engine.kind === "webgpu" ? "Running on the GPU" : "Running without the GPU"}</h2>
        <p>The policy samples and learns on {engine.label}, in a worker of this page. Nothing leaves your machine.</p>
        {engine.note && <p>{engine.note}</p>}
        {engine.emulated && (
          <p>
            {engine.kind === "portable" ? (
              <a href={withChoice("engine", "webgpu")}>Use the emulated GPU all the same</a>
            ) : (
              <a href={withChoice("engine", "auto")}>Use what is quickest here</a>
            )}{" "}
            (the page loads again).
          </p>
        )}
        {engine.kind === "webgpu" && (
          <p>
            {engine.half ? "Weights are read as 16-bit numbers, and learn in 32 bits. " : "Weights are 32-bit numbers. "}
            <a href={withChoice("weights", engine.half ? "f32" : "f16")}>Use weights of {engine.half ? 32 : 16} bits</a> (the page loads
            again; the run’s numbers will differ a little).
          </p>
        )}
        {engine.kind === "portable" && (
          <p>
            Too slow here? <a href="?recording=reverse">A recording of a real run</a> shows all of it without training.
          </p>
        )}
      </Popover>
      <span className="speed" data-tip="Tokens drawn over the whole step’s time, learning included">
        {speed === undefined ? "–" : rate(speed)} tok/s
      </span>
    </div>
  );
}
