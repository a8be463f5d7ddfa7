// @entry Photos of findings: before/after slider, and the camera with the old picture laid over it (同机位复拍).
import './evidence.css'
import { watchCompare } from './compare'
import { shoot } from './recapture'

function start(): void {
  document.querySelectorAll<HTMLElement>('.pair').forEach(watchCompare)
}

start()
document.addEventListener('htmx:after:swap', start)
document.addEventListener('click', (event) => {
  const button = (event.target as Element).closest<HTMLElement>('[data-ghost]')
  if (button) void shoot(button)
})
document.addEventListener('change', (event) => {
  const input = event.target as HTMLInputElement
  if (input.type === 'file' && input.name === 'photos') showTaken(input)
})

/** Small pictures of what will be sent, under the field. */
function showTaken(input: HTMLInputElement): void {
  const after = input.closest('.shoot') ?? input
  let row = after.parentElement!.querySelector<HTMLElement>('[data-taken]')
  if (!row) {
    row = Object.assign(document.createElement('div'), { className: 'photos mt-2' })
    row.dataset.taken = ''
    after.after(row)
  }
  row.querySelectorAll('img').forEach((img) => URL.revokeObjectURL(img.src))
  row.replaceChildren(...[...(input.files ?? [])].slice(0, 9).map((file, n) => {
    const img = Object.assign(document.createElement('img'), { src: URL.createObjectURL(file), alt: `已选照片 ${n + 1}` })
    return img
  }))
}

