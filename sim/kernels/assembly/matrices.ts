// 2×2 matrices of interferometers from their phases, in float64. The same operations in the same order as
// ../reference/matrices.ts.

const TURNS: f64 = 0.6366197723675814
/** π/2 in three parts, so that the remainder of a phase within ±10⁶ rad is right to its last bits. */
const QUARTER_1: f64 = 1.5707963267341256
const QUARTER_2: f64 = 6.077100506303966e-11
const QUARTER_3: f64 = 2.0222662487959506e-21
/** Adding and taking away 1.5 · 2^52 rounds to a whole number. */
const ROUND: f64 = 6755399441055744

/** Where `sineAndCosine` leaves its results. */
let sines: v128 = f64x2.splat(0)
let cosines: v128 = f64x2.splat(0)

@inline
function step(z: v128, p: v128, coefficient: f64): v128 {
  return f64x2.add(f64x2.mul(z, p), f64x2.splat(coefficient))
}

/** Taylor series about the nearest multiple of π/2: beyond the last term nothing is left in float64. */
@inline
function sineAndCosine(x: v128): void {
  const quarters = f64x2.sub(f64x2.add(f64x2.mul(x, f64x2.splat(TURNS)), f64x2.splat(ROUND)), f64x2.splat(ROUND))
  let r = f64x2.sub(x, f64x2.mul(quarters, f64x2.splat(QUARTER_1)))
  r = f64x2.sub(r, f64x2.mul(quarters, f64x2.splat(QUARTER_2)))
  r = f64x2.sub(r, f64x2.mul(quarters, f64x2.splat(QUARTER_3)))
  const z = f64x2.mul(r, r)
  let s = step(z, f64x2.splat(-7.647163731819816e-13), 1.6059043836821613e-10)
  s = step(z, s, -2.505210838544172e-8)
  s = step(z, s, 2.7557319223985893e-6)
  s = step(z, s, -0.0001984126984126984)
  s = step(z, s, 0.008333333333333333)
  s = step(z, s, -0.16666666666666666)
  const sine = f64x2.add(r, f64x2.mul(f64x2.mul(r, z), s))
  let c = step(z, f64x2.splat(4.779477332387385e-14), -1.1470745597729725e-11)
  c = step(z, c, 2.08767569878681e-9)
  c = step(z, c, -2.755731922398589e-7)
  c = step(z, c, 2.48015873015873e-5)
  c = step(z, c, -0.001388888888888889)
  c = step(z, c, 0.041666666666666664)
  const cosine = f64x2.add(
    f64x2.sub(f64x2.splat(1), f64x2.mul(z, f64x2.splat(0.5))),
    f64x2.mul(f64x2.mul(z, z), c),
  )
  const quarter = i64x2.extend_low_i32x4_s(i32x4.trunc_sat_f64x2_s_zero(quarters))
  const one = i64x2.splat(1)
  const odd = i64x2.eq(v128.and(quarter, one), one)
  const sineSign = i64x2.shl(v128.and(quarter, i64x2.splat(2)), 62)
  const cosineSign = i64x2.shl(v128.and(i64x2.add(quarter, one), i64x2.splat(2)), 62)
  sines = v128.xor(v128.bitselect(cosine, sine, odd), sineSign)
  cosines = v128.xor(v128.bitselect(sine, cosine, odd), cosineSign)
}

/**
 * Matrices [mzi][re, im of T11, T12, T21, T22] of interferometers [mzi][k·cb·ca, k·sb·sa, k·sb·ca, k·cb·sa], where a and b
 * are their splitters' angles and k their loss. Source: docs/physics.md, Interferometer.
 */
export function mziMatrices(theta: usize, phi: usize, devices: usize, count: i32, matrices: usize): void {
  for (let mzi: usize = 0; mzi < <usize>count; mzi++) {
    const phases = f64x2.replace_lane(f64x2.splat(load<f64>(theta + (mzi << 3))), 1, load<f64>(phi + (mzi << 3)))
    sineAndCosine(phases)
    const st = f64x2.extract_lane(sines, 0)
    const ct = f64x2.extract_lane(cosines, 0)
    const sp = f64x2.extract_lane(sines, 1)
    const cp = f64x2.extract_lane(cosines, 1)
    const device = devices + (mzi << 5)
    const straight = load<f64>(device)
    const folded = load<f64>(device, 8)
    const crossed = load<f64>(device, 16)
    const mixed = load<f64>(device, 24)
    const re11 = ct * straight - folded
    const im11 = st * straight
    const re21 = -st * crossed
    const im21 = ct * crossed + mixed
    const m = matrices + (mzi << 6)
    store<f64>(m, re11 * cp - im11 * sp)
    store<f64>(m, re11 * sp + im11 * cp, 8)
    store<f64>(m, -st * mixed, 16)
    store<f64>(m, ct * mixed + crossed, 24)
    store<f64>(m, re21 * cp - im21 * sp, 32)
    store<f64>(m, re21 * sp + im21 * cp, 40)
    store<f64>(m, straight - ct * folded, 48)
    store<f64>(m, -st * folded, 56)
  }
}

/**
 * Takes the output phases out of `count` matrices and through the rest of the mesh: `rotations` [mzi][re p, im p, c, s]
 * in float32, and on `screen` [mode][re, im] in float64, which holds what is pending before and after.
 * Right for a unitary matrix times one number, so for a loss that both outputs share.
 */
export function factorOut(matrices: usize, tops: usize, count: i32, rotations: usize, screen: usize): void {
  for (let mzi: usize = 0; mzi < <usize>count; mzi++) {
    const m = matrices + (mzi << 6)
    const upper = screen + (<usize>load<i32>(tops + (mzi << 2)) << 4)
    const ur = load<f64>(upper)
    const ui = load<f64>(upper, 8)
    const lr = load<f64>(upper, 16)
    const li = load<f64>(upper, 24)
    const r11 = load<f64>(m)
    const i11 = load<f64>(m, 8)
    const r12 = load<f64>(m, 16)
    const i12 = load<f64>(m, 24)
    const r21 = load<f64>(m, 32)
    const i21 = load<f64>(m, 40)
    const r22 = load<f64>(m, 48)
    const i22 = load<f64>(m, 56)
    const c = sqrt<f64>(r22 * r22 + i22 * i22)
    const s = sqrt<f64>(r12 * r12 + i12 * i12)
    const perC = c > 0 ? 1 / c : 0
    const perS = s > 0 ? 1 / s : 0
    // Output phases: of the upper waveguide along −T12, of the lower along T22.
    const ar = s > 0 ? -(r12 * lr - i12 * li) * perS : 1
    const ai = s > 0 ? -(r12 * li + i12 * lr) * perS : 0
    const br = c > 0 ? (r22 * lr - i22 * li) * perC : 1
    const bi = c > 0 ? (r22 * li + i22 * lr) * perC : 0
    const straight = c >= s
    const tr = straight ? r11 * ur - i11 * ui : r21 * ur - i21 * ui
    const ti = straight ? r11 * ui + i11 * ur : r21 * ui + i21 * ur
    const outRe = straight ? ar : br
    const outIm = straight ? ai : bi
    const per = straight ? perC : perS
    const to = rotations + (mzi << 4)
    store<f32>(to, <f32>((tr * outRe + ti * outIm) * per))
    store<f32>(to, <f32>((ti * outRe - tr * outIm) * per), 4)
    store<f32>(to, <f32>c, 8)
    store<f32>(to, <f32>s, 12)
    store<f64>(upper, ar)
    store<f64>(upper, ai, 8)
    store<f64>(upper, br, 16)
    store<f64>(upper, bi, 24)
  }
}
