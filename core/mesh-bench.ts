import type { VoltageMonitor } from './instruments.ts'
import type { LightBench } from './light-bench.ts'
import type { SvdCoreLayout } from './mesh-layout.ts'

/** A bench with a mesh core, U·Σ·V† or a single mesh: every laser is a lane of its own. */
export interface MeshBench extends LightBench {
  readonly kind: 'mesh'
  readonly layout: SvdCoreLayout
  /** Slow detectors between the meshes; large cores may have none. */
  readonly taps?: { readonly monitor: VoltageMonitor; readonly firstChannel: number }
}
