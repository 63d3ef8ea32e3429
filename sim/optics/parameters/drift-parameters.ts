import { assumption } from './parameter.ts'
import type { Parameters, Values } from './parameter.ts'

/** Whatever drifts is as it was fabricated at age 0; each σ is what a deviation grows to within a few correlation times. */
const LASER_DRIFT = {
  laserFrequencyDriftMhz: {
    value: 20,
    min: 0,
    max: 100_000,
    source: 'two free-running DFBs came 30 MHz apart within 12 h (Koheron 2020): a √2th each',
  },
  laserPowerDriftDb: { value: 0.03, min: 0, max: 3, source: assumption('σ; data sheets allow some hundredths a day') },
  laserCorrelationH: { value: 12, min: 0.01, max: 10_000, source: assumption('as the 12 h of that record') },
} as const satisfies Parameters

const BIAS_DRIFT = {
  mzmNullDriftV: {
    value: 0.3,
    min: 0,
    max: 20,
    source: assumption('σ; a locked controller follows it. Free-running lithium niobate goes volts in days'),
  },
  mzmLockDriftV: { value: 0.01, min: 0, max: 2, source: assumption('σ, on top of mzmBiasOffsetV') },
  mzmCorrelationH: { value: 10, min: 0.01, max: 10_000, source: 'hours and days: Photonics 8, 571 (2021)' },
} as const satisfies Parameters

const HEATER_DRIFT = {
  heaterResistanceDrift: { value: 0.001, min: 0, max: 0.1, source: assumption('σ, relative, a heater') },
  heaterAgeingPerKh: {
    value: 0.001,
    min: -0.1,
    max: 0.1,
    source: assumption('relative growth of all resistances in 1000 h'),
  },
  heaterCorrelationH: { value: 24, min: 0.01, max: 10_000, source: assumption('a day') },
} as const satisfies Parameters

const AMBIENT = {
  ambientCycleK: {
    value: 0.5,
    min: 0,
    max: 20,
    source: assumption('amplitude of the day in an air-conditioned room: 1 K from night to noon'),
  },
  ambientDriftK: { value: 0.3, min: 0, max: 20, source: assumption('σ of the room beside its day') },
  ambientCorrelationH: { value: 2, min: 0.01, max: 10_000, source: assumption('doors, people, other instruments') },
  chamberStartK: {
    value: 0,
    min: -100,
    max: 100,
    source: assumption('a climate chamber around the bench: by what it is warmer than the room at age 0'),
  },
  chamberStepK: { value: 0, min: -100, max: 100, source: assumption('0: no chamber; else the height of its steps') },
  chamberStepH: { value: 1, min: 0.01, max: 10_000, source: assumption('the time between its steps') },
  ovenRejection: {
    value: 100,
    min: 1,
    max: 1e6,
    source: assumption('kelvins of the room for one on the chip; 1: no oven. 20 to 1000 by sensor and mount'),
  },
} as const satisfies Parameters

const LO_DRIFT = {
  loPhaseDriftRad: {
    value: 0.2,
    min: 0,
    max: 100,
    source: assumption('σ a lane, short or stabilised path; free fibre: radians within minutes, not to be calibrated'),
  },
  loPortDriftRad: { value: 0.1, min: 0, max: 100, source: assumption('σ a port; on the chip') },
  loCorrelationH: { value: 6, min: 0.001, max: 10_000, source: assumption('hours; free fibre: minutes') },
  meshPhaseRadPerK: {
    value: 0.3,
    min: 0,
    max: 100,
    source: assumption('σ a heater: 0.4 mm more or less of silicon waveguide, 0.73 rad/K a millimetre'),
  },
} as const satisfies Parameters

/** What changes with time on the bench of either core. */
export const DRIFT_PARAMETERS = {
  ...LASER_DRIFT,
  ...BIAS_DRIFT,
  ...HEATER_DRIFT,
  ...AMBIENT,
  driftHoldS: {
    value: 60,
    min: 1,
    max: 100_000,
    source: assumption('what drifts is held this long at a time: far longer than a capture, far shorter than a drift'),
  },
} as const satisfies Parameters

/** What changes with time on a mesh core besides. */
export const MESH_DRIFT_PARAMETERS = LO_DRIFT

export type LaserDriftValues = Values<typeof LASER_DRIFT>
export type BiasDriftValues = Values<typeof BIAS_DRIFT>
export type HeaterDriftValues = Values<typeof HEATER_DRIFT>
export type AmbientValues = Values<typeof AMBIENT>
export type DriftValues = Values<typeof DRIFT_PARAMETERS>
export type MeshDriftValues = Values<typeof MESH_DRIFT_PARAMETERS> & AmbientValues
