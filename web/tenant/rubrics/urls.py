from django.urls import path

from web.tenant.rubrics import views

app_name = "rubrics"
urlpatterns = [
    path("", views.index, name="index"),
    path("new/", views.new, name="new"),
    path("export/", views.export, name="export"),
    path("pick/", views.pick, name="pick"),
    path("adopt/<str:key>/", views.adopt, name="adopt"),
    path("<uuid:rubric_id>/", views.detail, name="detail"),
    path("<uuid:rubric_id>/edit/", views.edit, name="edit"),
    path("<uuid:rubric_id>/changes/", views.changes, name="changes"),
    path("<uuid:rubric_id>/revisions/<int:number>/", views.revision, name="revision"),
    path("<uuid:rubric_id>/items/<uuid:item_id>/photos/", views.photos, name="photos"),
    path("<uuid:rubric_id>/<str:action>/", views.act, name="act"),
]
