import QRCode from "qrcode";
import { useMemo } from "react";

/** A text as a QR code, dark on white in both themes, because scanners want it so. Nothing for a text that no code can hold. */
export function Qr({ text, label }: { text: string; label: string }) {
  const code = useMemo(() => {
    try {
      const { size, data } = QRCode.create(text, { errorCorrectionLevel: "L" }).modules;
      const path = Array.from(data, (dark, i) => (dark ? `M${i % size} ${Math.floor(i / size)}h1v1h-1z` : "")).join("");
      return { size, path };
    } catch {
      return undefined;
    }
  }, [text]);
  if (!code) return <p className="dim">This link is too long for a QR code.</p>;
  return (
    <svg className="qr" viewBox={`-3 -3 ${code.size + 6} ${code.size + 6}`} role="img" aria-label={label} shapeRendering="crispEdges">
      <rect x="-3" y="-3" width="100%" height="100%" fill="#ffffff" />
      <path d={code.path} fill="#000000" />
    </svg>
  );
}
