import { useEffect } from "react";
import { createPortal } from "react-dom";
import { LESSONS, lessonById } from "../../lessons/library/index.ts";
import { notify } from "../state.ts";
import { LearnDialog } from "./dialog.tsx";
import { useLearn } from "./open.ts";
import LessonPanel from "./panel.tsx";
import { openLesson } from "./player.ts";
import { Paper } from "./print.tsx";
import { ownLessons } from "./shelf.ts";

/** The dialog, the panel of the lesson and the print view; loaded when one of them is first wanted. */
export default function LessonRoom({ link, onOpened }: { link: { id: string; at: number | undefined } | undefined; onOpened: () => void }) {
  const page = useLearn((state) => state.page);
  const first = useLearn((state) => state.first);
  useEffect(() => {
    if (!link) return;
    onOpened();
    const lesson = lessonById(link.id) ?? ownLessons().find((own) => own.id === link.id);
    if (lesson) void openLesson(lesson, link.at);
    else notify("error", `There is no lesson ${JSON.stringify(link.id)} here; “Learn” lists those that there are.`);
  }, [link, onOpened]);
  useEffect(() => {
    if (!first) return;
    useLearn.setState({ first: false });
    void openLesson(LESSONS[0]);
  }, [first]);
  const body = document.querySelector(".body");
  return (
    <>
      {body && createPortal(<LessonPanel />, body)}
      {page && <LearnDialog />}
      <Paper />
    </>
  );
}
