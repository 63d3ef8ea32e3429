// Orders of arrays that the inner loops read without jumps. Nothing is computed but the sum of two parts.

/**
 * Complex weights [output][input], re and im apart, become [output / 4][3][input][4]: re, im and re + im; missing
 * outputs are 0.
 */
export function packTile(re: usize, im: usize, outputs: i32, inputs: i32, tile: usize): void {
  const part = (<usize>inputs) << 4
  for (let output = 0; output < ((outputs + 3) & ~3); output++) {
    const to = tile + <usize>(output >> 2) * (3 * part) + ((<usize>(output & 3)) << 2)
    for (let k = 0; k < inputs; k++) {
      const from = (<usize>output * inputs + k) << 2
      const r: f32 = output < outputs ? load<f32>(re + from) : 0
      const i: f32 = output < outputs ? load<f32>(im + from) : 0
      const at = to + ((<usize>k) << 4)
      store<f32>(at, r)
      store<f32>(at + part, i)
      store<f32>(at + 2 * part, r + i)
    }
  }
}

/** Weights of a plus and a minus bank [output][input] become [output / 2][input][plus, minus, plus, minus]. */
export function packBanks(plus: usize, minus: usize, outputs: i32, inputs: i32, tile: usize): void {
  for (let output = 0; output < ((outputs + 1) & ~1); output++) {
    const to = tile + ((<usize>(output >> 1) * inputs) << 4) + ((<usize>(output & 1)) << 3)
    for (let k = 0; k < inputs; k++) {
      const from = (<usize>output * inputs + k) << 2
      const at = to + ((<usize>k) << 4)
      store<f32>(at, output < outputs ? load<f32>(plus + from) : 0)
      store<f32>(at, output < outputs ? load<f32>(minus + from) : 0, 4)
    }
  }
}

/** Fields [mode][stride], re and im apart, become the panels that `fieldPanels` makes of codes. */
export function packFields(re: usize, im: usize, stride: i32, inputs: i32, rows: i32, panels: usize): void {
  const part = (<usize>inputs) << 5
  for (let row = 0; row < rows; row += 8) {
    const panel = panels + <usize>(row >> 3) * (3 * part)
    for (let k = 0; k < inputs; k++) {
      const from = (<usize>k * stride + row) << 2
      const to = panel + ((<usize>k) << 5)
      for (let half: usize = 0; half < 32; half += 16) {
        const r = v128.load(re + from + half)
        const i = v128.load(im + from + half)
        v128.store(to + half, r)
        v128.store(to + part + half, i)
        v128.store(to + 2 * part + half, f32x4.add(r, i))
      }
    }
  }
}

/** [row][fromStride] becomes [column][toStride]. */
export function transpose(from: usize, fromStride: i32, rows: i32, columns: i32, to: usize, toStride: i32): void {
  // Sixteen by sixteen: both sides stay within a few lines of the cache.
  for (let row = 0; row < rows; row += 16) {
    const lastRow = min(row + 16, rows)
    for (let column = 0; column < columns; column += 16) {
      const lastColumn = min(column + 16, columns)
      for (let r = row; r < lastRow; r++) {
        for (let c = column; c < lastColumn; c++) {
          const value = load<f32>(from + ((<usize>r * fromStride + c) << 2))
          store<f32>(to + ((<usize>c * toStride + r) << 2), value)
        }
      }
    }
  }
}

// Lines for a library that multiplies whole matrices: every output and every sample has its inputs side by side.

/** Complex weights [output][input] become lines [output][3][input]: re, im and re + im. */
export function tileLines(re: usize, im: usize, outputs: i32, inputs: i32, tile: usize): void {
  const part = <usize>inputs << 2
  for (let output = 0, from: usize = 0; output < outputs; output++, tile += 3 * part) {
    let to = tile
    for (const fours = tile + (<usize>(inputs & ~3) << 2); to < fours; to += 16, from += 16) {
      const r = v128.load(re + from)
      const i = v128.load(im + from)
      v128.store(to, r)
      v128.store(to + part, i)
      v128.store(to + 2 * part, f32x4.add(r, i))
    }
    for (; to < tile + part; to += 4, from += 4) storeParts(to, part, load<f32>(re + from), load<f32>(im + from))
  }
}

/**
 * Fields [mode][stride], re and im apart, become blocks of `width` rows [3][mode][row]; the last is as wide as it must be.
 */
export function fieldBlocks(re: usize, im: usize, stride: i32, inputs: i32, rows: i32, blocks: usize, width: i32): void {
  const padded = (rows + 7) & ~7
  for (let first = 0; first < padded; first += width) {
    const line = <usize>min(width, padded - first) << 2
    const part = <usize>inputs * line
    for (let k = 0; k < inputs; k++) {
      const from = (<usize>k * stride + first) << 2
      const to = blocks + <usize>k * line
      for (let at: usize = 0; at < line; at += 16) {
        const r = v128.load(re + from + at)
        const i = v128.load(im + from + at)
        v128.store(to + at, r)
        v128.store(to + part + at, i)
        v128.store(to + 2 * part + at, f32x4.add(r, i))
      }
    }
    blocks += 3 * part
  }
}

/** Lines of `count` values [line][fromStride] become [line][toStride]. */
export function copyLines(from: usize, fromStride: i32, lines: i32, count: i32, to: usize, toStride: i32): void {
  for (let line = 0; line < lines; line++) {
    memory.copy(to + ((<usize>line * toStride) << 2), from + ((<usize>line * fromStride) << 2), <usize>count << 2)
  }
}

@inline
function storeParts(to: usize, part: usize, re: f32, im: f32): void {
  store<f32>(to, re)
  store<f32>(to + part, im)
  store<f32>(to + 2 * part, re + im)
}
