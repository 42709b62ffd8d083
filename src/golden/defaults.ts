import type { Parameters, PluginDeclaration } from "../algorithm/plugin.ts";

/** A plug-in's declared defaults, with some parameters changed. */
export const withDefaults = (plugin: PluginDeclaration, changes: Parameters = {}): Parameters => ({
  ...Object.fromEntries(Object.entries(plugin.parameters).map(([name, { default: value }]) => [name, value])),
  ...changes,
});
