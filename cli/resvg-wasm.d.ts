/** What we use of it. Its own types lie where its `exports` do not name them. */
declare module '@resvg/resvg-wasm' {
  export interface RenderOptions {
    readonly font: { readonly fontBuffers: readonly Uint8Array[]; readonly defaultFontFamily: string }
    readonly fitTo: { readonly mode: 'zoom'; readonly value: number }
  }
  /** To be freed: it lies in the memory of the WebAssembly module. */
  interface Freed {
    free(): void
  }
  /** Once in the life of a process. */
  export function initWasm(module: Uint8Array): Promise<void>
  export class Resvg implements Freed {
    constructor(svg: string, options: RenderOptions)
    readonly width: number
    render(): Freed & { asPng(): Uint8Array }
    free(): void
  }
}
