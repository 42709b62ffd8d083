export { withDefaults } from "../algorithm/plugin.ts";
