import type { MeshCalibration } from '../calibration-record.ts'

/** Field of one modulator at a code, −1…1 of its full field. */
export function fieldAtCode(
  { radPerCode, biasRad }: MeshCalibration['modulators'],
  lane: number,
  port: number,
  code: number,
): number {
  return Math.sin(radPerCode[lane]![port]! * code + biasRad[lane]![port]!)
}

const MAX_CODE = 127

/** Largest field that every modulator reaches with both signs. */
export function reachableField({ radPerCode, biasRad }: MeshCalibration['modulators']): number {
  let reach = 1
  for (const [lane, ports] of radPerCode.entries()) {
    for (const [port, k] of ports.entries()) {
      const half = k * MAX_CODE - Math.abs(biasRad[lane]![port]!)
      if (half < Math.PI / 2) reach = Math.min(reach, Math.sin(half))
    }
  }
  return reach
}

/** The code whose field is nearest, by the inverse of the sine. */
export function codeForField(
  { radPerCode, biasRad }: MeshCalibration['modulators'],
  lane: number,
  port: number,
  field: number,
): number {
  const code = Math.round((Math.asin(field) - biasRad[lane]![port]!) / radPerCode[lane]![port]!)
  return Math.max(-MAX_CODE, Math.min(MAX_CODE, code))
}
