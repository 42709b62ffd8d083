/** Signs that few fonts have, or draw alike: all in one hand, in the colour of the text, silent to a screen reader. */

const SHAPES = {
  play: <path d="M4 2.5v11l9.5-5.5z" fill="currentColor" />,
  pause: <path d="M3.5 2.5h3.2v11H3.5zM9.3 2.5h3.2v11H9.3z" fill="currentColor" />,
  stop: <rect x="3" y="3" width="10" height="10" rx="1.5" fill="currentColor" />,
  times: <path d="M3.5 3.5l9 9m0-9-9 9" />,
  undo: <path d="M6 2.5L2.5 6L6 9.5M2.5 6h6.5a4 4 0 0 1 0 8H6.5" />,
  redo: <path d="M10 2.5L13.5 6L10 9.5M13.5 6H7a4 4 0 0 0 0 8h2.5" />,
  info: (
    <>
      <circle cx="8" cy="8" r="6.6" strokeWidth="1.4" />
      <path d="M8 7.2v4M8 4.6v.2" />
    </>
  ),
  sun: (
    <>
      <circle cx="8" cy="8" r="3" />
      <path d="M8 1v1.6M8 13.4V15M1 8h1.6M13.4 8H15M3.1 3.1l1.1 1.1M11.8 11.8l1.1 1.1M12.9 3.1l-1.1 1.1M4.2 11.8l-1.1 1.1" />
    </>
  ),
  moon: <path d="M13.5 9.8A6 6 0 0 1 6.2 2.5a6 6 0 1 0 7.3 7.3z" />,
} as const;

export type IconName = keyof typeof SHAPES;

export function Icon({ name, size = 15 }: { name: IconName; size?: number }) {
  return (
    <svg
      className="icon"
      viewBox="0 0 16 16"
      width={size}
      height={size}
      aria-hidden="true"
      fill="none"
      stroke={name === "play" || name === "pause" || name === "stop" ? "none" : "currentColor"}
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      {SHAPES[name]}
    </svg>
  );
}
