// What the pad without a kernel takes of TensorFlow.js: eight operations, by WebAssembly with SIMD where there is that,
// else in plain JavaScript, some twenty times as slow. `python -m hcr_lib.research.pad_page --runtime` bundles it.

import "@tensorflow/tfjs-backend-cpu/dist/base";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm/dist/base";
import wasm from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm";
import { addConfig } from "@tensorflow/tfjs-backend-cpu/dist/kernels/Add";
import { batchMatMulConfig } from "@tensorflow/tfjs-backend-cpu/dist/kernels/BatchMatMul";
import { conv2DConfig } from "@tensorflow/tfjs-backend-cpu/dist/kernels/Conv2D";
import { identityConfig } from "@tensorflow/tfjs-backend-cpu/dist/kernels/Identity";
import { maxPoolConfig } from "@tensorflow/tfjs-backend-cpu/dist/kernels/MaxPool";
import { reluConfig } from "@tensorflow/tfjs-backend-cpu/dist/kernels/Relu";
import { reshapeConfig } from "@tensorflow/tfjs-backend-cpu/dist/kernels/Reshape";
import { softmaxConfig } from "@tensorflow/tfjs-backend-cpu/dist/kernels/Softmax";
import { addConfig as fastAdd } from "@tensorflow/tfjs-backend-wasm/dist/kernels/Add";
import { batchMatMulConfig as fastBatchMatMul } from "@tensorflow/tfjs-backend-wasm/dist/kernels/BatchMatMul";
import { conv2DConfig as fastConv2D } from "@tensorflow/tfjs-backend-wasm/dist/kernels/Conv2D";
import { identityConfig as fastIdentity } from "@tensorflow/tfjs-backend-wasm/dist/kernels/Identity";
import { maxPoolConfig as fastMaxPool } from "@tensorflow/tfjs-backend-wasm/dist/kernels/MaxPool";
import { reluConfig as fastRelu } from "@tensorflow/tfjs-backend-wasm/dist/kernels/Relu";
import { reshapeConfig as fastReshape } from "@tensorflow/tfjs-backend-wasm/dist/kernels/Reshape";
import { softmaxConfig as fastSoftmax } from "@tensorflow/tfjs-backend-wasm/dist/kernels/Softmax";
import { env } from "@tensorflow/tfjs-core/dist/environment";
import { setBackend } from "@tensorflow/tfjs-core/dist/globals";
import { registerKernel } from "@tensorflow/tfjs-core/dist/kernel_registry";

const slow = [addConfig, batchMatMulConfig, conv2DConfig, identityConfig, maxPoolConfig, reluConfig, reshapeConfig, softmaxConfig];
const fast = [fastAdd, fastBatchMatMul, fastConv2D, fastIdentity, fastMaxPool, fastRelu, fastReshape, fastSoftmax];
for (const kernel of [...slow, ...fast]) registerKernel(kernel);

// Chooses the quickest way there is here, and returns its name.
export async function begin() {
  env().set("WASM_HAS_MULTITHREAD_SUPPORT", false); // one file is enough, for all three names that it may ask for
  setWasmPaths(Object.fromEntries(["", "-simd", "-threaded-simd"].map((kind) => [`tfjs-backend-wasm${kind}.wasm`, wasm])));
  const simd = await env().getAsync("WASM_HAS_SIMD_SUPPORT");
  if (simd && (await setBackend("wasm").catch(() => false))) return "wasm";
  await setBackend("cpu");
  return "cpu";
}

export { tidy } from "@tensorflow/tfjs-core/dist/globals";
export { add } from "@tensorflow/tfjs-core/dist/ops/add";
export { conv2d } from "@tensorflow/tfjs-core/dist/ops/conv2d";
export { matMul } from "@tensorflow/tfjs-core/dist/ops/mat_mul";
export { maxPool } from "@tensorflow/tfjs-core/dist/ops/max_pool";
export { relu } from "@tensorflow/tfjs-core/dist/ops/relu";
export { reshape } from "@tensorflow/tfjs-core/dist/ops/reshape";
export { softmax } from "@tensorflow/tfjs-core/dist/ops/softmax";
export { tensor } from "@tensorflow/tfjs-core/dist/ops/tensor";
