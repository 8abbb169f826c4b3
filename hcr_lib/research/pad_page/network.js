// The course's network for single characters, run by TensorFlow.js, and what it says of a drawing: as `guess` in
// hcr_lib/widgets/_engine.py does in mode "char", which asks Recognizer.read_ink.

import { around, beside, boundingBox, cut, holes, inkMask, removeSpecks, renderInk, strokeWidth, toMnist } from "./recipe.js";

const BAR = 0.2; // these as in hcr_lib/recognizer.py
const LONGEST_PATH = 5;
const HOLES = 2;
const SMALLEST = 6;
const WIDEST_ALONE = 2.2;
const UNSURE = 0.5;
const RIVALS = 3;
const BROKEN = 4;
const WIDEST_BREAK = 0.22; // these as in hcr_lib/segment.py
const WIDEST = 1.5;
const MOST_COMPONENTS = 3;
const GAP_COST = 15; // these as in hcr_lib/decode.py
const JOINT_COST = 0.3;
const APART_COST = 2;
const FLOOR = 1e-6;
const MOST = 12; // characters beside each other that are looked at
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
    let notice = this.isDrawing(alone, pairs) && settled ? "That looks like no letter or digit." : "";
    const text = settled ? this.several(ink) : "";
    if (text) notice = `That looks like several characters: ${text}. Draw one.`;
    return { reading: char, notice, letters: [{ char, share, box, rivals }], seen };
  }

  // How sure the network is of an image's shape: an O may also be a 0.
  sureness(image) {
    const { classes, fold, alike } = this.record;
    const scores = normal(Array.from(this.scores(image), (score, k) => (fold[k] < 0 ? 0 : score)));
    const group = (char) => alike.find((each) => each.includes(char)) ?? char;
    return Math.max(...classes.split("").map((char) => scores.reduce((sum, score, k) => sum + (group(char).includes(classes[k]) ? score : 0), 0)));
  }

  // What is read of several characters beside each other that do not touch, else "": as `_several` in _engine.py does
  // by the segmentation and the best path of hcr_lib/segment.py and decode.py, without their context.
  several(ink) {
    const found = beside(ink);
    if (!found || found.stacks.length < 2 || found.stacks.length > MOST) return "";
    const { stacks, height, inkOf } = found;
    const part = (start, stop) => {
      const parts = stacks.slice(start, stop).flat();
      const [x0, y0, x1, y1] = around(parts);
      let gap = 0;
      for (let k = start + 1; k < stop; k++) {
        gap = Math.max(gap, (around(stacks[k])[0] - around(stacks.slice(start, k).flat())[2]) / height);
      }
      return { parts, gap, wide: x1 - x0, tall: y1 - y0 };
    };
    const look = ({ parts }) => {
      const image = toMnist(inkOf(parts));
      return { image, sure: Math.log(Math.max(FLOOR, this.sureness(image))) };
    };
    const best = [{ score: 0, path: [] }];
    for (let stop = 1; stop <= stacks.length; stop++) {
      for (let start = stop - 1; start >= Math.max(0, stop - MOST_COMPONENTS); start--) {
        const count = stop - start;
        const { gap, wide } = part(start, stop);
        if (count > 1 && (gap > WIDEST_BREAK || wide > WIDEST * height)) continue;
        const looked = look(part(start, stop));
        const score = best[start].score + count * looked.sure - GAP_COST * gap - JOINT_COST * (count - 1);
        if (!best[stop] || score > best[stop].score) best[stop] = { score, path: [...best[start].path, looked] };
      }
    }
    const { path } = best[stacks.length];
    if (path.length < 2) return "";
    const mean = path.reduce((sum, { sure }) => sum + sure, 0) / path.length;
    const all = part(0, stacks.length);
    const compact = all.wide <= WIDEST * all.tall && stacks.length <= BROKEN;
    if (compact && look(all).sure - APART_COST * all.gap >= mean) return ""; // one that has come apart
    if (mean < Math.log(UNSURE)) return "";
    const { answers } = this.record;
    return path.map(({ image }) => this.shares(image)).map((shares) => answers[shares.indexOf(Math.max(...shares))]).join("");
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
