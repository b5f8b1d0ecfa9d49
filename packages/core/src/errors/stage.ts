/** The six stages a record goes through: folder names, error stages and metric labels use these words. */
export type Stage = 'source' | 'batch' | 'process' | 'store' | 'sink' | 'commit'
