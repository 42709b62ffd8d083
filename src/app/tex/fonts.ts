import type { Plugin } from "vite";

/** Leaves out the fonts in formats for browsers that could not run the page: each would be kept for visits without a network. */
export function modernFontsOnly(): Plugin {
  return {
    name: "rlvr:modern-fonts-only",
    enforce: "pre",
    transform: {
      filter: { id: /katex\.min\.css$/ },
      handler: (css) => css.replaceAll(/,url\([^)]+\.(?:woff|ttf)\) format\("[^"]+"\)/g, ""),
    },
  };
}
