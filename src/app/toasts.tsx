import { useEffect, useState } from "react";
import { declineOffer, forget, resume } from "./actions.ts";
import { count } from "./format.ts";
import { Icon } from "./icons.tsx";
import { nameOfTask } from "./knobs/describe.ts";
import { dismiss, type Toast, usePage } from "./state.ts";

const SECONDS_SHOWN = 9;

/** Messages over the page, so that nothing moves: notices go by themselves, errors stay until they are closed. */
export function Toasts() {
  const toasts = usePage((state) => state.toasts);
  return (
    <div className="toasts">
      <Offer />
      <div aria-live="polite">
        {toasts.map((toast) => (
          <Message key={toast.id} toast={toast} />
        ))}
      </div>
    </div>
  );
}

function Message({ toast }: { toast: Toast }) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held || toast.kind === "error") return;
    const timer = setTimeout(() => dismiss(toast.id), SECONDS_SHOWN * 1000);
    return () => clearTimeout(timer);
  }, [held, toast]);
  return (
    <div
      className={`toast ${toast.kind}`}
      role={toast.kind === "error" ? "alert" : undefined}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
    >
      <p>{toast.text}</p>
      <button type="button" className="quiet" aria-label="Close this message" onClick={() => dismiss(toast.id)}>
        <Icon name="times" size={12} />
      </button>
    </div>
  );
}

/** The run that an earlier visit left behind. */
function Offer() {
  const offer = usePage((state) => state.offer);
  const began = usePage((state) => state.step > 0);
  if (!offer || began) return null;
  return (
    <section className="toast offer" aria-label="A run from an earlier visit">
      <p>
        Resume your run?{" "}
        <span className="dim">{[offer.policy, nameOfTask(offer.task), offer.recipe, count(offer.steps, "step")].join(" · ")}</span>
      </p>
      <div className="buttons">
        <button type="button" className="primary" onClick={() => resume(offer.id)}>
          Resume
        </button>
        <button type="button" onClick={() => forget(offer.id)}>
          Forget
        </button>
        <button type="button" className="quiet" data-tip="It stays in the list under “Runs” at the top." onClick={declineOffer}>
          Not now
        </button>
      </div>
    </section>
  );
}
