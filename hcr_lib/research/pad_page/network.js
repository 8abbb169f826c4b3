// The course's network for single characters, run by TensorFlow.js, and what it says of a drawing: as `guess` in
// hcr_lib/widgets/_engine.py does in mode "char", which asks Recognizer.read_ink.

import { boundingBox, cut, holes, inkMask, removeSpecks, renderInk, strokeWidth, toMnist } from "./recipe.js";

const BAR = 0.2; // these as in hcr_lib/recognizer.py
const LONGEST_PATH = 5;
const HOLES = 2;
const SMALLEST = 6;
const WIDEST_ALONE = 2.2;
const UNSURE = 0.5;
const RIVALS = 3;
const DOT = 1.2; // as in _engine.py
const EPSILON = 1e-3; // of Keras' batch normalisation

// The value of each of the 65,536 numbers in half precision.
function halves(bytes) {
  const bits = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  return Float32Array.from(bits, (value) => {
    const [sign, exponent, rest] = [value >> 15 ? -1 : 1, (value >> 10) & 31, value & 1023];
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + rest / 1024) : 2 ** -14 * (rest / 1024));
  });
}

const bytesOf = (base64) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));

export class CharacterReader {
  // `tf` is runtime.js, begun; `record` is what hcr_lib.research.pad_page writes beside the weights.
  constructor(tf, record, weights) {
    Object.assign(this, { tf, record });
    const values = halves(bytesOf(weights));
    let at = 0;
    const take = (count) => values.subarray(at, (at += count));
    this.layers = record.layers.map(({ kind, shape, normalised }) => {
      if (kind === "pool") return { kind };
      const kernel = Float64Array.from(take(shape.reduce((product, side) => product * side)));
      const width = shape.at(-1);
      let bias;
      if (normalised) {
        // Batch normalisation multiplies and adds a constant for each filter, so the layer before it can.
        const [gamma, beta, mean, variance] = [take(width), take(width), take(width), take(width)];
        const scale = Float64Array.from(gamma, (value, k) => value / Math.sqrt(variance[k] + EPSILON));
        kernel.forEach((value, place) => (kernel[place] = value * scale[place % width]));
        bias = Float32Array.from(beta, (value, k) => value - mean[k] * scale[k]);
      } else {
        bias = take(width);
      }
      return { kind, kernel: tf.tensor(Float32Array.from(kernel), shape), bias: tf.tensor(bias, [width]), normalised };
    });
  }

  // The probabilities of the network's classes for an image of 28 x 28 bytes.
  scores(image) {
    const { tf } = this;
    return tf.tidy(() => {
      let features = tf.tensor(Float32Array.from(image, (value) => value / 255), [1, 28, 28, 1]);
      for (const { kind, kernel, bias, normalised } of this.layers) {
        if (kind === "pool") {
          features = tf.maxPool(features, 2, 2, "same");
          continue;
        }
        if (kind === "conv") features = tf.conv2d(features, kernel, 1, "same");
        else features = tf.matMul(tf.reshape(features, [1, -1]), kernel);
        features = tf.add(features, bias);
        if (normalised) features = tf.relu(features);
      }
      return tf.softmax(features).dataSync();
    });
  }

  // The probabilities of the answers; see `_scores` and `_alone` of the Recognizer.
  shares(image) {
    const { classes, answers, fold } = this.record;
    const scores = normal(Array.from(this.scores(image), (score, k) => (fold[k] < 0 ? 0 : score)));
    const [I, l] = ["I", "l"].map((char) => classes.indexOf(char));
    if (scores[I] > BAR * scores[l]) [scores[I], scores[l]] = [scores[I] + scores[l], 0];
    const sums = new Array(answers.length).fill(0);
    const counts = sums.slice();
    scores.forEach((score, k) => {
      if (fold[k] < 0) return;
      sums[fold[k]] += score;
      counts[fold[k]]++;
    });
    return normal(sums.map((sum, k) => sum / counts[k]));
  }

  // What a pad shows of a drawing: the same as Guess.to_dict.
  guess(strokes, height, width, halfWidth, settled) {
    const nothing = { reading: "", notice: "", letters: [], seen: null };
    const points = strokes.flat();
    if (!points.length) return nothing;
    const says = (notice) => ({ ...nothing, notice: settled ? notice : "" });
    const extent = (axis) => Math.max(...points.map((at) => at[axis])) - Math.min(...points.map((at) => at[axis]));
    if (Math.max(extent(0), extent(1)) < 2 * DOT * halfWidth) return says("A dot. Draw a letter or a digit.");
    const ink = removeSpecks(renderInk(strokes, height, width, halfWidth));
    const box = boundingBox(ink);
    if (!box) return says("The drawing lies off the pad.");
    const alone = cut(ink, box);
    const image = toMnist(alone);
    const shares = this.shares(image);
    const order = shares.map((_, k) => k).sort((one, other) => shares[other] - shares[one]);
    const pairs = order.slice(0, 1 + RIVALS).map((k) => [this.record.answers[k], shares[k]]);
    const [[char, share], ...rivals] = pairs;
    const seen = { width: 28, height: 28, ink: btoa(String.fromCharCode(...image)) };
    const notice = this.isDrawing(alone, pairs) && settled ? "That looks like no letter or digit." : "";
    return { reading: char, notice, letters: [{ char, share, box, rivals }], seen };
  }

  // Whether it is no writing; see `_is_drawing` of the Recognizer.
  isDrawing(ink, pairs) {
    const { height, width } = ink;
    const mask = inkMask(ink);
    const pen = Math.max(0.5, strokeWidth(mask));
    const path = mask.values.reduce((sum, value) => sum + value) / pen;
    const alike = this.record.alike.find((group) => group.includes(pairs[0][0])) ?? pairs[0][0];
    const sureness = pairs.reduce((sum, [char, share]) => sum + (alike.includes(char) ? share : 0), 0);
    return (
      height < SMALLEST ||
      width > WIDEST_ALONE * height ||
      holes(mask).filter((size) => size >= pen ** 2).length > HOLES ||
      path > LONGEST_PATH * Math.max(1, height, width) ||
      sureness < UNSURE
    );
  }
}

function normal(values) {
  const sum = Math.max(1e-12, values.reduce((total, value) => total + value));
  return values.map((value) => value / sum);
}
