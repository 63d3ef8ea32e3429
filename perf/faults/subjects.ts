import { e5cc, sdm120, t7 } from './modbus-subjects.ts'
import { m8195a, n7745 } from './scpi-subjects.ts'
import { itla, mbx, qontrol } from './serial-subjects.ts'
import { b2900 } from './source-subject.ts'
import type { Subject } from './subject.ts'
import { filter } from './waveshaper-subject.ts'

/** The rows of the fault matrix, under the names of the driver registry. Every driver there has one. */
export const SUBJECTS: Readonly<Record<string, Subject>> = {
  'oif-itla': itla,
  'thorlabs-mbx': mbx,
  'keysight-m8195a': m8195a,
  'keysight-n7745': n7745,
  'qontrol-q8': qontrol,
  'omron-e5cc': e5cc,
  'eastron-sdm120': sdm120,
  'labjack-t7': t7,
  'keysight-b2900': b2900,
  waveshaper: filter,
}
