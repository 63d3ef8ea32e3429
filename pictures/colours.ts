const TWO_PI = 2 * Math.PI

/** A colour by lightness 0…1, chroma and hue, as #rrggbb. Source: Ottosson, "A perceptual color space" (OKLab), 2020. */
function oklch(lightness: number, chroma: number, hueRad: number): string {
  const [a, b] = [chroma * Math.cos(hueRad), chroma * Math.sin(hueRad)]
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  return `#${[
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ]
    .map(gammaByte)
    .join('')}`
}

/** One channel of linear light as two hexadecimal digits of sRGB. Source: IEC 61966-2-1. */
function gammaByte(linear: number): string {
  const light = Math.min(1, Math.max(0, linear))
  const encoded = light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055
  return Math.round(255 * encoded)
    .toString(16)
    .padStart(2, '0')
}

/** A phase on the colour circle: 0 and 2π look the same, and none is brighter than another. */
export function phaseColour(phaseRad: number): string {
  return oklch(0.78, 0.125, phaseRad + 0.5)
}

/** Thin lines of a chart, by their share 0…1 of the order: dark enough for white, and the last unlike the first. */
export function lineColour(share: number): string {
  return oklch(0.62, 0.15, 0.5 + 0.85 * TWO_PI * share)
}

/** From nothing (0, a grey that is still seen on white) to all (1, dark red). */
export function powerColour(share: number): string {
  const t = Math.min(1, Math.max(0, share))
  return oklch(0.86 - 0.42 * t, 0.02 + 0.16 * Math.min(1, 3 * t), 1.35 - 0.95 * t)
}

/** From −1 (blue) over 0 (nearly white) to 1 (red). */
export function signedColour(share: number): string {
  const t = Math.min(1, Math.abs(share))
  return oklch(0.96 - 0.4 * t, 0.17 * t, share < 0 ? 4.45 : 0.5)
}

/** A phase within one turn. */
export const wrapped = (phaseRad: number): number => ((phaseRad % TWO_PI) + TWO_PI) % TWO_PI
