// @entry Attendance: board, month sheet, heat map, a worker's month.
import './attendance.css'
import './live'
