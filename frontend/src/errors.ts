/** htmx 4 swaps 4xx and 5xx bodies too: fragments may, whole pages must not land inside a page. */
import { toast } from './toasts'

interface Context {
  request: { method: string; body?: FormData }
  response: { status: number; raw: Response }
  sourceElement: Element
  target: Element
  text: string
}

const SENTENCES: Record<number, string> = {
  403: '没有权限做这件事。如果您刚换过账号，请刷新页面后再试。',
  404: '这条内容不存在，或者已被移走。请刷新页面。',
  413: '文件太大，请压缩后再上传。',
  429: '操作太频繁，请稍等一分钟再试。',
}

export function watchHtmx(): void {
  document.addEventListener('htmx:config:request', (event) => {
    const { ctx } = (event as CustomEvent<{ ctx: Context }>).detail
    // Filters left empty do not belong into the address.
    if (ctx.request.method === 'GET' && ctx.request.body instanceof FormData) {
      const body = ctx.request.body
      for (const [key, value] of [...body.entries()]) if (value === '' && body.getAll(key).length === 1) body.delete(key)
    }
  })
  document.addEventListener('htmx:before:swap', (event) => {
    const { ctx } = (event as CustomEvent<{ ctx: Context }>).detail
    const whole = /^\s*<!doctype html/i.test(ctx.text)
    if (!whole || ctx.target === document.body) return
    event.preventDefault()
    const { status, raw } = ctx.response
    if (status >= 400) toast(SENTENCES[status] ?? '服务器没能完成这一步，请稍后再试；反复出现请联系管理员。', 'bad')
    else location.assign(raw.url) // a redirect that fetch followed: the sign-in page, or a view that used redirect()
  })
  document.addEventListener('htmx:error', () => toast('网络不通，内容没有提交。请检查网络后再试。', 'bad'))
}
