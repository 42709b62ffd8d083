import type { PolicyConfig } from "./config.ts";
import type { GenerateRequest, TokenBatch } from "./engine.ts";

/** Text that is longer than a policy's context. The message is one sentence for a person. */
export class ContextError extends RangeError {
  override readonly name = "ContextError";
}

/**
 * Checks a batch against a policy's shape.
 * @throws RangeError with one sentence; ContextError if a row is too long.
 */
export function checkBatch(config: PolicyConfig, batch: TokenBatch): void {
  const rows = batch.promptLengths.length;
  if (batch.offsets.length !== rows + 1)
    throw new RangeError(`a batch of ${rows} rows needs ${rows + 1} offsets, got ${batch.offsets.length}`);
  for (let r = 0; r < rows; r++) {
    const length = batch.offsets[r + 1] - batch.offsets[r];
    if (length > config.contextLength) throw new ContextError(`row ${r} has ${length} tokens, the context holds ${config.contextLength}`);
    const prompt = batch.promptLengths[r];
    if (!(prompt >= 1 && prompt <= length)) throw new RangeError(`row ${r} has a prompt of ${prompt} tokens in a row of ${length}`);
  }
  checkTokens(config, batch.tokens);
}

/** @throws RangeError naming the first token outside the vocabulary. */
export function checkTokens(config: PolicyConfig, tokens: Int32Array): void {
  for (const token of tokens) {
    if (!(token >= 0 && token < config.vocabSize)) throw new RangeError(`token ${token} is outside the vocabulary of ${config.vocabSize}`);
  }
}

/**
 * Checks a request for completions against a policy's shape.
 * @throws RangeError with one sentence; ContextError if a prompt is too long.
 */
export function checkRequest(config: PolicyConfig, request: GenerateRequest): void {
  const { prompts, maxNewTokens, temperature, topK = 0, topP = 1, minP = 0, keys, alternatives = 0, banned = [] } = request;
  if (keys.length !== prompts.length * 2)
    throw new RangeError(`${prompts.length} rows need ${prompts.length * 2} key words, got ${keys.length}`);
  prompts.forEach((prompt, r) => {
    if (prompt.length < 1) throw new RangeError(`prompt ${r} is empty`);
    if (prompt.length > config.contextLength)
      throw new ContextError(`prompt ${r} has ${prompt.length} tokens, the context holds ${config.contextLength}`);
    checkTokens(config, prompt);
  });
  if (!Number.isInteger(maxNewTokens) || maxNewTokens < 0) throw new RangeError(`maxNewTokens must be a whole number, got ${maxNewTokens}`);
  const temperatures = typeof temperature === "number" ? [temperature] : temperature;
  if (typeof temperature !== "number" && temperature.length < maxNewTokens) {
    throw new RangeError(`${maxNewTokens} new tokens need as many temperatures, got ${temperature.length}`);
  }
  for (const t of temperatures) if (!(t > 0)) throw new RangeError(`temperature must be positive, got ${t}`);
  if (!Number.isInteger(topK) || topK < 0) throw new RangeError(`topK must be a whole number, got ${topK}`);
  if (!(topP > 0 && topP <= 1)) throw new RangeError(`topP must be above 0 and at most 1, got ${topP}`);
  if (!(minP >= 0 && minP <= 1)) throw new RangeError(`minP must be between 0 and 1, got ${minP}`);
  if (!Number.isInteger(alternatives) || alternatives < 0 || alternatives > config.vocabSize) {
    throw new RangeError(`alternatives must be an integer from 0 to ${config.vocabSize}, got ${alternatives}`);
  }
  if (new Set(banned).size >= config.vocabSize) throw new RangeError("every token is banned");
}
