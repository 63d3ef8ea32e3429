const TURNS = 0.6366197723675814
const QUARTER_1 = 1.5707963267341256
const QUARTER_2 = 6.077100506303966e-11
const QUARTER_3 = 2.0222662487959506e-21
const ROUND = 6755399441055744
const SINE = [
  -7.647163731819816e-13, 1.6059043836821613e-10, -2.505210838544172e-8, 2.7557319223985893e-6, -0.0001984126984126984,
  0.008333333333333333, -0.16666666666666666,
]
const COSINE = [
  4.779477332387385e-14, -1.1470745597729725e-11, 2.08767569878681e-9, -2.755731922398589e-7, 2.48015873015873e-5,
  -0.001388888888888889, 0.041666666666666664,
]

/** Sine and cosine by fixed operations: Math.sin may differ between machines. */
export function sineAndCosine(x: number): [sine: number, cosine: number] {
  const quarters = x * TURNS + ROUND - ROUND
  const r = x - quarters * QUARTER_1 - quarters * QUARTER_2 - quarters * QUARTER_3
  const z = r * r
  const sine = r + r * z * SINE.reduce((sum, coefficient) => z * sum + coefficient)
  const cosine = 1 - z * 0.5 + z * z * COSINE.reduce((sum, coefficient) => z * sum + coefficient)
  switch (quarters & 3) {
    case 0:
      return [sine, cosine]
    case 1:
      return [cosine, -sine]
    case 2:
      return [-sine, -cosine]
    default:
      return [-cosine, sine]
  }
}

export function mziMatrices(
  theta: Float64Array,
  phi: Float64Array,
  devices: Float64Array,
  count: number,
  matrices: Float64Array,
): void {
  for (let mzi = 0; mzi < count; mzi++) {
    const [st, ct] = sineAndCosine(theta[mzi]!)
    const [sp, cp] = sineAndCosine(phi[mzi]!)
    const [straight, folded, crossed, mixed] = devices.subarray(4 * mzi) as unknown as [number, number, number, number]
    const [re11, im11] = [ct * straight - folded, st * straight]
    const [re21, im21] = [-st * crossed, ct * crossed + mixed]
    matrices.set(
      [
        re11 * cp - im11 * sp,
        re11 * sp + im11 * cp,
        -st * mixed,
        ct * mixed + crossed,
        re21 * cp - im21 * sp,
        re21 * sp + im21 * cp,
        straight - ct * folded,
        -st * folded,
      ],
      8 * mzi,
    )
  }
}

export function factorOut(
  matrices: Float64Array,
  tops: Int32Array,
  count: number,
  rotations: Float32Array,
  screen: Float64Array,
): void {
  for (let mzi = 0; mzi < count; mzi++) {
    const upper = 2 * tops[mzi]!
    const [ur, ui, lr, li] = screen.subarray(upper) as unknown as [number, number, number, number]
    const [r11, i11, r12, i12, r21, i21, r22, i22] = matrices.subarray(8 * mzi) as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    const c = Math.sqrt(r22 * r22 + i22 * i22)
    const s = Math.sqrt(r12 * r12 + i12 * i12)
    const [perC, perS] = [c > 0 ? 1 / c : 0, s > 0 ? 1 / s : 0]
    const [ar, ai] = s > 0 ? [-(r12 * lr - i12 * li) * perS, -(r12 * li + i12 * lr) * perS] : [1, 0]
    const [br, bi] = c > 0 ? [(r22 * lr - i22 * li) * perC, (r22 * li + i22 * lr) * perC] : [1, 0]
    const straight = c >= s
    const [tr, ti] = straight ? [r11 * ur - i11 * ui, r11 * ui + i11 * ur] : [r21 * ur - i21 * ui, r21 * ui + i21 * ur]
    const [outRe, outIm, per] = straight ? [ar, ai, perC] : [br, bi, perS]
    rotations.set([(tr * outRe + ti * outIm) * per, (ti * outRe - tr * outIm) * per, c, s], 4 * mzi)
    screen.set([ar, ai, br, bi], upper)
  }
}
