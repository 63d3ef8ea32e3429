/** Complex square matrix, row-major: element (row, column) at row × size + column of both arrays. */
export interface ComplexMatrix {
  readonly size: number
  readonly re: Float64Array
  readonly im: Float64Array
}

export function complexZeros(size: number): ComplexMatrix {
  return { size, re: new Float64Array(size * size), im: new Float64Array(size * size) }
}

export function complexIdentity(size: number): ComplexMatrix {
  const matrix = complexZeros(size)
  for (let i = 0; i < size; i++) matrix.re[i * size + i] = 1
  return matrix
}

/** `values` is [size, size] row-major. */
export function complexFromReal(size: number, values: Float64Array): ComplexMatrix {
  return { size, re: Float64Array.from(values), im: new Float64Array(size * size) }
}

export function copyOf({ size, re, im }: ComplexMatrix): ComplexMatrix {
  return { size, re: re.slice(), im: im.slice() }
}
