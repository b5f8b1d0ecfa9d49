/** The TSDoc comments of a source as Markdown, each line where it was; everything else is blank. */
export function commentsAsMarkdown(source: string): string {
  let comment = false
  return source
    .split('\n')
    .map((line) => {
      if (/^\s*\/\*\*/.test(line)) comment = true
      const text = comment
        ? line
            .replace(/^\s*(?:\/\*\*|\*(?!\/)) ?/, '')
            .replace(/\*\/\s*$/, '')
            .trimEnd()
        : ''
      if (line.includes('*/')) comment = false
      return text
    })
    .join('\n')
}
