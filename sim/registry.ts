import { simB2900 } from './instruments/sim-b2900.ts'
import { simE5cc } from './instruments/sim-e5cc.ts'
import { simItla } from './instruments/sim-itla.ts'
import { simM8195a } from './instruments/sim-m8195a.ts'
import { simMbx } from './instruments/sim-mbx.ts'
import { simN7745 } from './instruments/sim-n7745.ts'
import { simQontrol } from './instruments/sim-qontrol.ts'
import { simSdm120 } from './instruments/sim-sdm120.ts'
import { simT7 } from './instruments/sim-t7.ts'
import { simWaveshaper } from './instruments/sim-waveshaper.ts'
import type { SimEntry } from './sim-entry.ts'

/** The simulated twin of every driver, under the same name. */
export const SIMULATED: Readonly<Record<string, SimEntry>> = {
  'oif-itla': simItla,
  'thorlabs-mbx': simMbx,
  'keysight-m8195a': simM8195a,
  'keysight-n7745': simN7745,
  'qontrol-q8': simQontrol,
  'omron-e5cc': simE5cc,
  'eastron-sdm120': simSdm120,
  'labjack-t7': simT7,
  'keysight-b2900': simB2900,
  waveshaper: simWaveshaper,
}
