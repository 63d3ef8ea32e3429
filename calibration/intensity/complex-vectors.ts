/** A few complex numbers. */
export interface ComplexVector {
  readonly re: Float64Array
  readonly im: Float64Array
}

/** left†·right */
export function overlap(left: ComplexVector, right: ComplexVector): readonly [number, number] {
  let [re, im] = [0, 0]
  for (let i = 0; i < left.re.length; i++) {
    re += left.re[i]! * right.re[i]! + left.im[i]! * right.im[i]!
    im += left.re[i]! * right.im[i]! - left.im[i]! * right.re[i]!
  }
  return [re, im]
}

/** a·first + b·second, a and b complex. */
export function combine(
  [ar, ai]: readonly [number, number],
  first: ComplexVector,
  [br, bi]: readonly [number, number],
  second: ComplexVector,
): ComplexVector {
  return {
    re: first.re.map((_, i) => ar * first.re[i]! - ai * first.im[i]! + br * second.re[i]! - bi * second.im[i]!),
    im: first.re.map((_, i) => ar * first.im[i]! + ai * first.re[i]! + br * second.im[i]! + bi * second.re[i]!),
  }
}
