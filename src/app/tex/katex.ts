/** KaTeX and its fonts, as a part of the page that is fetched when the first formula is to be shown. */
import "katex/dist/katex.min.css";

export { formulaHtml } from "./formula-html.ts";
