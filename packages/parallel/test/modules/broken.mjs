throw new RangeError('no licence for the renderer')
