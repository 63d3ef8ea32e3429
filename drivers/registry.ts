import { keysightN7745 } from './detectors/keysight-n7745.ts'
import { labjackT7 } from './detectors/labjack-t7.ts'
import type { DriverEntry } from './driver-entry.ts'
import { oifItla } from './lasers/oif-itla.ts'
import { keysightM8195a } from './modulators/keysight-m8195a.ts'
import { thorlabsMbx } from './modulators/thorlabs-mbx.ts'
import { qontrolQ8 } from './phase-shifters/qontrol-q8.ts'
import { eastronSdm120 } from './power/eastron-sdm120.ts'
import { keysightB2900 } from './power/keysight-b2900.ts'
import { omronE5cc } from './thermal/omron-e5cc.ts'
import { waveshaper } from './wdm/waveshaper.ts'

/** Every driver, under the name that a bench file gives it. */
export const DRIVERS: Readonly<Record<string, DriverEntry>> = {
  'oif-itla': oifItla,
  'thorlabs-mbx': thorlabsMbx,
  'keysight-m8195a': keysightM8195a,
  'keysight-n7745': keysightN7745,
  'qontrol-q8': qontrolQ8,
  'omron-e5cc': omronE5cc,
  'eastron-sdm120': eastronSdm120,
  'labjack-t7': labjackT7,
  'keysight-b2900': keysightB2900,
  waveshaper,
}
