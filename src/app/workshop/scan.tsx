import { useEffect, useRef, useState } from "react";

/** Result codes by camera, where the browser reads QR codes by itself. */

interface Detector {
  detect(source: HTMLVideoElement): Promise<readonly { readonly rawValue: string }[]>;
}
type DetectorClass = new (options: { formats: string[] }) => Detector;

/** Looks at the camera this often (milliseconds). */
const EVERY = 250;

const detectorClass = () => (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector;

/** A button, and the camera's picture while it is on. Each code is told once, those of one picture together. Nothing where the browser cannot do it: pasting remains. */
export function Scan({ onCodes }: { onCodes: (codes: string) => void }) {
  const [on, setOn] = useState(false);
  const [problem, setProblem] = useState("");
  if (!detectorClass() || !navigator.mediaDevices) return null;
  return (
    <>
      <button
        type="button"
        onClick={() => {
          setProblem("");
          setOn(!on);
        }}
      >
        {on ? "Stop the camera" : "Scan with the camera"}
      </button>
      {on && (
        <Camera
          onCodes={onCodes}
          onProblem={(words) => {
            setProblem(words);
            setOn(false);
          }}
        />
      )}
      {problem && <p role="alert">{problem}</p>}
    </>
  );
}

function Camera({ onCodes, onProblem }: { onCodes: (codes: string) => void; onProblem: (words: string) => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const tell = useRef({ onCodes, onProblem });
  tell.current = { onCodes, onProblem };
  useEffect(() => {
    let stream: MediaStream | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gone = false;
    const seen = new Set<string>();
    const stop = () => {
      gone = true;
      clearTimeout(timer);
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
    void (async () => {
      try {
        const detector = new (detectorClass()!)({ formats: ["qr_code"] });
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
        if (gone) return stop();
        video.current!.srcObject = stream;
        await video.current!.play();
        const look = async () => {
          // Between two pictures there may be nothing to see.
          const found = await detector.detect(video.current!).catch(() => []);
          if (gone) return;
          const fresh = [...new Set(found.map(({ rawValue }) => rawValue))].filter((text) => !seen.has(text));
          for (const text of fresh) seen.add(text);
          if (fresh.length > 0) tell.current.onCodes(fresh.join("\n"));
          timer = setTimeout(look, EVERY);
        };
        await look();
      } catch (error) {
        if (gone) return;
        const why =
          error instanceof Error && error.name === "NotAllowedError" ? "the browser was not allowed to use it" : "there is none to use";
        tell.current.onProblem(`The camera does not work here: ${why}. Codes can still be pasted.`);
      }
    })();
    return stop;
  }, []);
  return <video ref={video} className="scan" muted playsInline aria-label="What the camera sees" />;
}
