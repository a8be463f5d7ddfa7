/** The web font is for machines without a Chinese font: there all Chinese characters draw as the same box. */
export function webFontIfNeeded(): void {
  const draw = (char: string): string => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 24, height: 24 })
    const pen = canvas.getContext('2d')
    if (!pen) return char
    pen.font = '20px sans-serif'
    pen.fillText(char, 0, 20)
    return canvas.toDataURL()
  }
  if (draw('校') === draw('园')) void import('@fontsource-variable/noto-sans-sc/wght.css')
}
