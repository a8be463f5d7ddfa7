// @entry Attendance: board, month sheet, heat map, a worker's month.
import './attendance.css'

// Only where a part is live, and late: its styles are the frame's own and must not come after the phone's.
if (document.querySelector('[data-live]')) void import('./live')
