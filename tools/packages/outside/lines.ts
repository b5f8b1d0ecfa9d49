export const lines = ['To be, or not to be: that is the question', 'Whether it is nobler', 'To die, to sleep; to sleep, perchance to dream']

/** As many counts as the program writes: a word is a run of letters. */
export const words = lines.flatMap((line) => line.split(/\P{L}+/u)).length
