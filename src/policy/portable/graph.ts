import { ProtoWriter } from "./protobuf.ts";

/** Numeric types of ONNX tensors (TensorProto.DataType). */
export const DATA_TYPE = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 } as const;
export type DataType = keyof typeof DATA_TYPE;

/** A dimension: a size, or the name of one that is known at run time only. */
export type Dimension = number | string;

/** The name of a tensor in a graph. */
export type Value = string & { readonly value: unique symbol };

export type Attribute = { readonly float: number } | { readonly graph: Graph } | number | string | readonly number[];

const IR_VERSION = 10;
const OPSET = 21;
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, graph: 5, ints: 7 };
/** Operators that ONNX Runtime adds to the standard (https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md). */
const MICROSOFT = "com.microsoft";
const MICROSOFT_OPERATORS: ReadonlySet<string> = new Set(["FusedMatMul", "GroupQueryAttention", "SkipSimplifiedLayerNormalization"]);

function attributeProto(name: string, value: Attribute): ProtoWriter {
  const proto = new ProtoWriter().text(1, name);
  if (typeof value === "number") return proto.integer(3, value).integer(20, ATTRIBUTE_TYPE.int);
  if (typeof value === "string") return proto.text(4, value).integer(20, ATTRIBUTE_TYPE.string);
  if ("float" in value) return proto.float(2, value.float).integer(20, ATTRIBUTE_TYPE.float);
  if ("graph" in value) return proto.message(6, value.graph.proto()).integer(20, ATTRIBUTE_TYPE.graph);
  for (const item of value) proto.integer(8, item);
  return proto.integer(20, ATTRIBUTE_TYPE.ints);
}

function valueInfo(name: string, type: DataType, shape: readonly Dimension[]): ProtoWriter {
  const dims = new ProtoWriter();
  for (const size of shape) {
    dims.message(1, typeof size === "number" ? new ProtoWriter().integer(1, size) : new ProtoWriter().text(2, size));
  }
  const tensor = new ProtoWriter().integer(1, DATA_TYPE[type]).message(2, dims);
  return new ProtoWriter().text(1, name).message(2, new ProtoWriter().message(1, tensor));
}

function tensorProto(name: string, type: DataType, shape: readonly number[], data: Uint8Array): ProtoWriter {
  const proto = new ProtoWriter();
  for (const size of shape) proto.integer(1, size);
  return proto.integer(2, DATA_TYPE[type]).text(8, name).data(9, data);
}

/** A view of a typed array's bytes, as `raw_data` wants them (little-endian, like every platform that runs this). */
const bytesOf = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/**
 * An ONNX graph under construction (opset 21, with ONNX Runtime's own operators, IR 10). Nodes are appended in the order of execution;
 * a graph made with `subgraph` (the body of a Loop) may use any tensor of its parent.
 */
export class Graph {
  private readonly nodes: ProtoWriter[] = [];
  private readonly inputs: ProtoWriter[] = [];
  private readonly outputs: ProtoWriter[] = [];
  private readonly initializers: ProtoWriter[] = [];
  private readonly constants = new Map<string, Value>();
  /** Shared with subgraphs. */
  private readonly counter: { next: number; microsoft: boolean };
  private readonly name: string;

  constructor(name: string, parent?: Graph) {
    this.name = name;
    this.counter = parent ? parent.counter : { next: 0, microsoft: false };
  }

  subgraph(name: string): Graph {
    return new Graph(name, this);
  }

  private fresh(hint: string): Value {
    return `${hint}_${this.counter.next++}` as Value;
  }

  input(name: string, type: DataType, shape: readonly Dimension[]): Value {
    this.inputs.push(valueInfo(name, type, shape));
    return name as Value;
  }

  /** Makes `value` an output, by its own name or a new one. */
  output(value: Value, type: DataType, shape: readonly Dimension[], name: string = value): void {
    if (name !== value) this.nodes.push(this.nodeProto("Identity", [value], {}, [name as Value]));
    this.outputs.push(valueInfo(name, type, shape));
  }

  /** A named weight stored in the file. */
  initializer(name: string, type: DataType, shape: readonly number[], data: ArrayBufferView): Value {
    this.initializers.push(tensorProto(name, type, shape, bytesOf(data)));
    return name as Value;
  }

  private constant(type: DataType, shape: readonly number[], data: ArrayBufferView): Value {
    const key = `${type}[${shape}]${bytesOf(data)}`;
    const known = this.constants.get(key);
    if (known) return known;
    const value = this.initializer(this.fresh("constant"), type, shape, data);
    this.constants.set(key, value);
    return value;
  }

  /** int64 constants: shapes, axes, indices. A number makes a scalar. */
  ints(values: number | readonly number[]): Value {
    const list = typeof values === "number" ? [values] : values;
    return this.constant("int64", typeof values === "number" ? [] : [list.length], BigInt64Array.from(list, BigInt));
  }

  int32s(values: number | readonly number[]): Value {
    const list = typeof values === "number" ? [values] : values;
    return this.constant("int32", typeof values === "number" ? [] : [list.length], Int32Array.from(list));
  }

  /** A scalar, or a tensor, of the graph's real type. */
  reals(type: "float32" | "float64", values: number | ArrayLike<number>, shape: readonly number[] = []): Value {
    const list = typeof values === "number" ? [values] : values;
    return this.constant(type, shape, type === "float32" ? Float32Array.from(list) : Float64Array.from(list));
  }

  private nodeProto(
    op: string,
    inputs: readonly (Value | "")[],
    attributes: Record<string, Attribute>,
    outputs: readonly Value[],
  ): ProtoWriter {
    const proto = new ProtoWriter();
    for (const input of inputs) proto.text(1, input);
    for (const output of outputs) proto.text(2, output);
    proto.text(4, op);
    for (const [name, value] of Object.entries(attributes)) proto.message(5, attributeProto(name, value));
    if (MICROSOFT_OPERATORS.has(op)) {
      proto.text(7, MICROSOFT);
      this.counter.microsoft = true;
    }
    return proto;
  }

  /** Appends a node and returns its outputs. An empty input name leaves an optional input out. */
  many(op: string, inputs: readonly (Value | "")[], attributes: Record<string, Attribute>, outputCount: number): Value[] {
    const outputs = Array.from({ length: outputCount }, () => this.fresh(op));
    this.nodes.push(this.nodeProto(op, inputs, attributes, outputs));
    return outputs;
  }

  /** Appends a node with one output. */
  node(op: string, inputs: readonly (Value | "")[], attributes: Record<string, Attribute> = {}): Value {
    return this.many(op, inputs, attributes, 1)[0];
  }

  proto(): ProtoWriter {
    const proto = new ProtoWriter();
    for (const node of this.nodes) proto.message(1, node);
    proto.text(2, this.name);
    for (const initializer of this.initializers) proto.message(5, initializer);
    for (const input of this.inputs) proto.message(11, input);
    for (const output of this.outputs) proto.message(12, output);
    return proto;
  }

  /** The whole model file, with text entries of its own beside the graph. */
  model(metadata: Record<string, string> = {}): Uint8Array {
    const opset = (domain: string, version: number) => new ProtoWriter().text(1, domain).integer(2, version);
    const model = new ProtoWriter().integer(1, IR_VERSION).text(2, "rlvr-playground").message(7, this.proto()).message(8, opset("", OPSET));
    if (this.counter.microsoft) model.message(8, opset(MICROSOFT, 1));
    for (const [key, value] of Object.entries(metadata)) model.message(14, new ProtoWriter().text(1, key).text(2, value));
    return model.finish();
  }
}
