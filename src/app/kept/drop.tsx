import { useEffect, useState } from "react";
import { notify } from "../state.ts";
import { useLayout } from "../workshop/layout.ts";
import { takeFile } from "./file.ts";

/** A run's file can be dropped anywhere on the page. */
export function DropFile() {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const holdsFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const onOver = (event: DragEvent) => {
      if (!holdsFile(event)) return;
      // Without this the browser would leave the page and open the file.
      event.preventDefault();
      setOver(!useLayout.getState().hidden.includes("runs"));
    };
    const onLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const onDrop = (event: DragEvent) => {
      if (!holdsFile(event)) return;
      event.preventDefault();
      setOver(false);
      const file = event.dataTransfer!.files[0];
      if (useLayout.getState().hidden.includes("runs"))
        notify("notice", "No file is taken in here, because the link to this page hides the kept runs.");
      else if (file) void takeFile(file);
    };
    document.addEventListener("dragover", onOver);
    document.addEventListener("dragleave", onLeave);
    document.addEventListener("drop", onDrop);
    return () => {
      document.removeEventListener("dragover", onOver);
      document.removeEventListener("dragleave", onLeave);
      document.removeEventListener("drop", onDrop);
    };
  }, []);
  return over ? (
    <div className="drop-file">
      <p>Drop a run’s file here to keep its run, or a recording to see it</p>
    </div>
  ) : null;
}
