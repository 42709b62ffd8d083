import type { NumberParameter } from "../../algorithm/plugin.ts";

/** A slider's positions are whole numbers from 0 to `positions`; these map them to values of the parameter and back. */

const LOG_POSITIONS = 200;

const isLog = (parameter: NumberParameter) => parameter.scale === "log" && parameter.slider[0] > 0;

export function positions(parameter: NumberParameter): number {
  const [low, high, step] = parameter.slider;
  return isLog(parameter) ? LOG_POSITIONS : Math.round((high - low) / step);
}

/** Logarithmic sliders give values of two significant digits. */
export function valueAt(parameter: NumberParameter, position: number): number {
  const [low, high, step] = parameter.slider;
  if (isLog(parameter)) return Number((low * (high / low) ** (position / LOG_POSITIONS)).toPrecision(2));
  const decimals = Math.max(0, Math.ceil(-Math.log10(step) + 1e-9) + 1);
  return Number((low + position * step).toFixed(decimals));
}

/** The nearest position; a value beyond the slider's range sits at its end. */
export function positionOf(parameter: NumberParameter, value: number): number {
  const [low, high, step] = parameter.slider;
  const position = isLog(parameter) ? (Math.log(Math.max(value, low) / low) / Math.log(high / low)) * LOG_POSITIONS : (value - low) / step;
  return Math.round(Math.min(Math.max(position, 0), positions(parameter)));
}
