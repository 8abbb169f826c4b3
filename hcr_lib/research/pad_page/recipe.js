// From strokes to the 28 x 28 image that the network reads: hcr_lib.pen and hcr_lib.images once more, for the browser.
// Ink is {height, width, values}, from 0 to 1. A test holds both to the same answers.

export const THRESHOLD = 0.4; // these as in hcr_lib/images/_form.py
const SIZE = 28;
const BOX = 20;
const MIN_STROKE = 2.2;
const SPECK = 0.02;
const FINE = 4; // the box is worked on at 80 x 80
const SMALL = 0.4; // these as DOT, BAR, OVERLAP and BESIDE in hcr_lib/segment.py
const FLAT = [0.25, 0.9];
const OVERLAP = 0.45;
const BESIDE = 0.5;
const SAMPLES_PER_SIDE = 2; // of a pixel, as in hcr_lib/pen.py
const NIB_CORNERS = 9; // half of the round nib

// Python's round: halves go to the even neighbour.
function evenly(number) {
  const near = Math.round(number);
  return Math.abs(number - Math.trunc(number)) === 0.5 && near % 2 ? near - 1 : near;
}

function blankInk(height, width) {
  return { height, width, values: new Float32Array(height * width) };
}

// Draws strokes with a round pen on a page: for each segment the area that the nib sweeps, as a polygon.
export function renderInk(strokes, height, width, halfWidth) {
  const [rows, columns] = [SAMPLES_PER_SIDE * height, SAMPLES_PER_SIDE * width];
  const inked = new Uint8Array(rows * columns);
  for (const stroke of strokes) {
    stroke.forEach((end, place) => {
      if (!place && stroke.length > 1) return;
      inkPolygon(inked, rows, columns, swept(stroke[Math.max(0, place - 1)], end, halfWidth));
    });
  }
  const ink = blankInk(height, width);
  for (let y = 0; y < rows; y++) {
    const row = Math.floor(y / SAMPLES_PER_SIDE) * width;
    for (let x = 0; x < columns; x++) {
      if (inked[y * columns + x]) ink.values[row + Math.floor(x / SAMPLES_PER_SIDE)] += 1 / SAMPLES_PER_SIDE ** 2;
    }
  }
  return ink;
}

// As `_outlines` in pen.py; Pillow takes whole numbers only.
function swept([x0, y0], [x1, y1], halfWidth) {
  const way = Math.atan2(y1 - y0, x1 - x0);
  const corner = (x, y, angle) => [[x, Math.cos(angle)], [y, Math.sin(angle)]].map(([at, off]) => Math.trunc(SAMPLES_PER_SIDE * (at + halfWidth * off)));
  const angles = Array.from({ length: NIB_CORNERS }, (_, k) => way + Math.PI * (0.5 + k / (NIB_CORNERS - 1)));
  return [...angles.map((angle) => corner(x0, y0, angle)), ...angles.map((angle) => corner(x1, y1, angle + Math.PI))];
}

// Fills a convex polygon as Pillow does: in each row, from the first of its edges to the last, both rounded.
function inkPolygon(inked, rows, columns, corners) {
  const top = Math.min(...corners.map(([, y]) => y));
  const [lefts, rights] = [[], []];
  corners.forEach(([toX, toY], k) => {
    const [fromX, fromY] = corners.at(k - 1);
    const [start, stop] = [Math.min(fromY, toY), Math.max(fromY, toY)];
    for (let y = start; y <= stop; y++) {
      const x = stop === start ? toX : fromX + ((y - fromY) * (toX - fromX)) / (toY - fromY);
      lefts[y - top] = Math.min(lefts[y - top] ?? x, x);
      rights[y - top] = Math.max(rights[y - top] ?? x, x);
    }
  });
  lefts.forEach((left, k) => {
    const y = top + k;
    if (y < 0 || y >= rows) return;
    const [first, last] = [Math.max(0, Math.floor(left + 0.5)), Math.min(columns - 1, Math.ceil(rights[k] - 0.5))];
    if (first <= last) inked.fill(1, y * columns + first, y * columns + last + 1);
  });
}

// The box of what is at least `level`: x0, y0, x1, y1, or null.
export function boundingBox({ height, width, values }, level = THRESHOLD) {
  let [x0, y0, x1, y1] = [width, height, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (values[y * width + x] < level) continue;
      x0 = Math.min(x0, x);
      x1 = Math.max(x1, x + 1);
      y0 = Math.min(y0, y);
      y1 = y + 1;
    }
  }
  return x1 ? [x0, y0, x1, y1] : null;
}

export function cut({ width, values }, [x0, y0, x1, y1]) {
  const part = blankInk(y1 - y0, x1 - x0);
  for (let y = y0; y < y1; y++) part.values.set(values.subarray(y * width + x0, y * width + x1), (y - y0) * part.width);
  return part;
}

function padded({ height, width, values }, margin) {
  const page = blankInk(height + 2 * margin, width + 2 * margin);
  for (let y = 0; y < height; y++) {
    page.values.set(values.subarray(y * width, (y + 1) * width), (y + margin) * page.width + margin);
  }
  return page;
}

const inkedOnly = (ink) => ({ ...ink, values: ink.values.map((value) => (value >= THRESHOLD ? 1 : 0)) });
const paperOnly = (mask) => ({ ...mask, values: mask.values.map((value) => 1 - value) });

// Numbers the connected components of a mask from 1 on; neighbours are four or, with `corners`, eight.
function label({ height, width, values }, corners) {
  const numbers = new Int32Array(values.length);
  const stack = [];
  let count = 0;
  for (let start = 0; start < values.length; start++) {
    if (!values[start] || numbers[start]) continue;
    numbers[start] = ++count;
    stack.push(start);
    while (stack.length) {
      const at = stack.pop();
      const x = at % width;
      const y = (at - x) / width;
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          if ((dx && dy && !corners) || x + dx < 0 || x + dx >= width || y + dy < 0 || y + dy >= height) continue;
          const next = at + dy * width + dx;
          if (!values[next] || numbers[next]) continue;
          numbers[next] = count;
          stack.push(next);
        }
      }
    }
  }
  return { numbers, count };
}

export function removeSpecks(ink) {
  const { numbers, count } = label(inkedOnly(ink), true);
  if (count < 2) return ink;
  const weights = new Float64Array(count + 1);
  numbers.forEach((number, at) => (weights[number] += number ? ink.values[at] : 0));
  const least = SPECK * weights.reduce((sum, weight) => sum + weight);
  const kept = { ...ink, values: ink.values.map((_, at) => (numbers[at] && weights[numbers[at]] >= least ? 1 : 0)) };
  const grown = widened(widened(kept));
  return { ...ink, values: ink.values.map((value, at) => (grown.values[at] ? value : 0)) };
}

// The connected components of ink that are dark somewhere: the number of each, its box and its mass.
function components(ink) {
  const { height, width, values } = ink;
  const { numbers, count } = label({ ...ink, values: values.map((value) => (value >= 0.75 * THRESHOLD ? 1 : 0)) }, true);
  const found = Array.from({ length: count }, (_, k) => ({ number: k + 1, box: [width, height, 0, 0], mass: 0, dark: false }));
  numbers.forEach((number, at) => {
    if (!number) return;
    const each = found[number - 1];
    const { box } = each;
    const x = at % width;
    const y = (at - x) / width;
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x + 1);
    box[3] = Math.max(box[3], y + 1);
    each.mass += values[at];
    each.dark ||= values[at] >= THRESHOLD;
  });
  return { numbers, found: found.filter(({ dark }) => dark) };
}

export function around(parts) {
  const sides = (k) => parts.map(({ box }) => box[k]);
  return [Math.min(...sides(0)), Math.min(...sides(1)), Math.max(...sides(2)), Math.max(...sides(3))];
}

// The share of the smaller one's width (axis 0) or height (1) that two boxes have in common.
function shared(one, other, axis) {
  const common = Math.min(one[axis + 2], other[axis + 2]) - Math.max(one[axis], other[axis]);
  return Math.max(0, common) / Math.min(one[axis + 2] - one[axis], other[axis + 2] - other[axis]);
}

// What stands beside each other in ink, from left to right, with the height of the writing; null if it is several lines.
// As `components`, `_stack` and `_in_lines` of hcr_lib/segment.py, for a few characters. `inkOf` gives the ink of some.
export function beside(ink) {
  const { numbers, found } = components(ink);
  const tall = ({ box }) => box[3] - box[1];
  const byHeight = [...found].sort((one, other) => tall(one) - tall(other));
  let left = found.reduce((sum, { mass }) => sum + mass, 0) / 2;
  const height = tall(byHeight.find(({ mass }) => (left -= mass) <= 0));
  const reach = ({ box: [x0, y0, x1, y1] }) => {
    if (Math.max(x1 - x0, y1 - y0) < SMALL * height) return 0.15 * height;
    return y1 - y0 < FLAT[0] * height && x1 - x0 < FLAT[1] * height ? 0.05 * height : null;
  };
  const stacks = [];
  const large = found.filter((each) => reach(each) === null).sort((one, other) => one.box[0] + one.box[2] - other.box[0] - other.box[2]);
  for (const each of large) {
    const shares = stacks.map((stack, k) => (k < stacks.length - 2 ? 0 : shared(around(stack), each.box, 0)));
    const place = shares.indexOf(Math.max(...shares));
    if (shares[place] >= OVERLAP) stacks[place].push(each);
    else stacks.push([each]);
  }
  for (const each of found.filter((other) => reach(other) !== null)) {
    const away = stacks.map(around).map(([x0, , x1]) => Math.max(each.box[0] - x1, x0 - each.box[2]));
    const nearest = away.indexOf(Math.min(...away));
    if (away[nearest] <= reach(each)) stacks[nearest].push(each);
  }
  const boxes = stacks.map(around);
  const inLine = boxes.every((box, k) => !k || shared(boxes[k - 1], box, 1) >= BESIDE);
  const inkOf = (parts) => {
    const own = new Set(parts.map(({ number }) => number));
    const [part, place] = [cut(ink, around(parts)), cut({ ...ink, values: numbers }, around(parts))];
    return { ...part, values: part.values.map((value, at) => (own.has(place.values[at]) ? value : 0)) };
  };
  return inLine ? { stacks, height, inkOf } : null;
}

function widened({ height, width, values }) {
  const wider = values.slice();
  values.forEach((value, at) => {
    if (!value) return;
    const x = at % width;
    const y = (at - x) / width;
    if (x) wider[at - 1] = 1;
    if (x < width - 1) wider[at + 1] = 1;
    if (y) wider[at - width] = 1;
    if (y < height - 1) wider[at + width] = 1;
  });
  return { height, width, values: wider };
}

// How far each pixel of a mask is from the nearest one outside it.
function distances({ height, width, values }) {
  const far = height + width;
  const down = new Float64Array(values.length); // distance within the column
  for (let x = 0; x < width; x++) {
    let last = -far;
    for (let y = 0; y < height; y++) {
      if (!values[y * width + x]) last = y;
      down[y * width + x] = y - last;
    }
    last = height + far;
    for (let y = height - 1; y >= 0; y--) {
      if (!values[y * width + x]) last = y;
      down[y * width + x] = Math.min(down[y * width + x], last - y);
    }
  }
  return down.map((own, at) => {
    const x = at % width;
    const row = at - x;
    let best = own * own;
    for (let away = 1; away * away < best; away++) {
      if (x >= away) best = Math.min(best, away * away + down[row + x - away] ** 2);
      if (x + away < width) best = Math.min(best, away * away + down[row + x + away] ** 2);
    }
    return Math.sqrt(best);
  });
}

export function strokeWidth(mask) {
  const page = padded(mask, 1);
  const inside = distances(page).filter((_, at) => page.values[at]);
  return inside.length ? (4 * inside.reduce((sum, distance) => sum + distance - 0.5, 0)) / inside.length : 0;
}

// The sizes of the patches of paper that ink encloses.
export function holes(mask) {
  const { numbers, count } = label(paperOnly(padded(mask, 1)), false);
  const sizes = new Array(count + 1).fill(0);
  for (const number of numbers) sizes[number]++;
  return sizes.slice(2); // 1 is what lies around the ink
}

// As Pillow resizes: box averages where it shrinks, else bicubic.
function resize(ink, height, width) {
  const boxed = height < ink.height && width <= ink.width;
  const [rows, columns] = [Math.max(1, evenly(height)), Math.max(1, evenly(width))];
  let { values } = ink;
  if (columns !== ink.width) values = resampled(values, ink.height, 1, ink.width, ink.width, columns, boxed);
  if (rows !== ink.height) values = resampled(values, columns, columns, 1, ink.height, rows, boxed);
  return { height: rows, width: columns, values: values.map((value) => Math.min(1, Math.max(0, value))) };
}

// Resamples `lines` lines of `from` values to `to` each; along a line, values lie `step` apart, and lines `apart`.
function resampled(values, lines, step, apart, from, to, boxed) {
  const made = new Float32Array(lines * to);
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const support = (boxed ? 0.5 : 2) * stretch;
  for (let k = 0; k < to; k++) {
    const centre = (k + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(from, Math.trunc(centre + support + 0.5));
    const weights = Array.from({ length: end - first }, (_, at) => {
      const x = (at + first - centre + 0.5) / stretch;
      return boxed ? Number(x > -0.5 && x <= 0.5) : bicubic(Math.abs(x));
    });
    const total = weights.reduce((sum, weight) => sum + weight);
    for (let line = 0; line < lines; line++) {
      let sum = 0;
      weights.forEach((weight, at) => (sum += weight * values[line * apart + (first + at) * step]));
      made[step === 1 ? line * to + k : k * step + line] = sum / total;
    }
  }
  return made;
}

function bicubic(x) {
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? -0.5 * (((x - 5) * x + 8) * x - 4) : 0;
}

function scaleTo(ink, longerSide) {
  const scale = longerSide / Math.max(ink.height, ink.width);
  return resize(ink, scale * ink.height, scale * ink.width);
}

function fitBox(ink) {
  const fine = BOX * FINE;
  let mask = inkedOnly(scaleTo(ink, fine));
  const missing = Math.max(0, MIN_STROKE * FINE - strokeWidth(mask));
  if (missing >= 1) {
    mask = padded(inkedOnly(scaleTo(ink, evenly(fine - missing))), Math.trunc(missing / 2) + 1);
    const away = distances(paperOnly(mask));
    const soft = mask.values.map((value, at) => value || Math.min(1, Math.max(0, missing / 2 + 1 - away[at])));
    mask = { ...mask, values: soft };
  }
  const window = boundingBox(mask, Number.MIN_VALUE);
  return scaleTo(window ? cut(mask, window) : ink, BOX);
}

function centreByMass(ink) {
  const page = blankInk(SIZE, SIZE);
  const window = boundingBox(ink, Number.MIN_VALUE);
  if (!window) return page;
  const { height, width, values } = cut(ink, window);
  let [mass, atX, atY] = [0, 0, 0];
  values.forEach((value, at) => {
    mass += value;
    atX += value * (at % width);
    atY += value * Math.floor(at / width);
  });
  const corner = (mean, length) => Math.min(SIZE - length, Math.max(0, evenly((SIZE - 1) / 2 - mean)));
  const [left, top] = [corner(atX / mass, width), corner(atY / mass, height)];
  for (let y = 0; y < height; y++) page.values.set(values.subarray(y * width, (y + 1) * width), (top + y) * SIZE + left);
  return page;
}

// Brings cropped ink to the form of an MNIST image: 28 x 28 bytes, white ink on black.
export function toMnist(ink) {
  return Uint8Array.from(centreByMass(fitBox(ink)).values, (value) => evenly(255 * value));
}

export const inkMask = inkedOnly;
