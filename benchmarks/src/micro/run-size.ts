/** How much is measured: a short run is for continuous integration. */
export interface RunSize {
  readonly short: boolean
  /** Folder for what benchmarks put on disk; removed afterwards. */
  readonly folder: string
}
