/* The smallest folder of every layout that shows its quirks, 32 x 24 pixels a picture. `dir` is a fresh folder. */
#ifndef IAD_TEST_INGEST_FIXTURE_TREES_H
#define IAD_TEST_INGEST_FIXTURE_TREES_H

#include "tests/unit/ingest/fixture.h"

/* "a/b" + number formatted by `fmt`. */
#define FX_PATH(buf, ...) (snprintf((buf), sizeof(buf), __VA_ARGS__), (buf))

/* MVTec AD: a colour texture and a grey object, one mask missing, a file that is no picture, a spelling in upper case. */
FX void fx_tree_mvtec_ad(const char *dir) {
    char p[256];
    for (unsigned i = 0; i < 2; i++) {
        fx_png(dir, FX_PATH(p, "carpet/train/good/%03u.png", i), 10 + i);
        fx_png(dir, FX_PATH(p, "carpet/test/good/%03u.png", i), 20 + i);
        fx_png_grey(dir, FX_PATH(p, "screw/train/good/%03u.png", i), 30 + i);
        fx_png_grey(dir, FX_PATH(p, "screw/test/good/%03u.png", i), 40 + i);
    }
    fx_png(dir, "carpet/test/color/000.png", 50);
    fx_mask(dir, "carpet/ground_truth/color/000_mask.png", 4, 4, 255);
    fx_png(dir, "carpet/test/hole/000.png", 51); /* its mask is missing */
    fx_png_grey(dir, "screw/test/scratch_head/000.PNG", 52);
    fx_mask_1bit(dir, "screw/ground_truth/scratch_head/000_mask.png", 20, 10);
    const fx_rect two[] = {{1, 1, 4, 4, 255, 0, 0}, {4, 4, 6, 6, 255, 0, 0}, {20, 2, 30, 5, 255, 0, 0}}; /* the first two touch at a corner */
    fx_png_grey(dir, "screw/test/scratch_head/001.png", 53);
    fx_mask_rects(dir, "screw/ground_truth/scratch_head/001_mask.png", 1, two, 3);
    fx_mask(dir, "screw/ground_truth/scratch_head/007_mask.png", 0, 0, 255); /* belongs to no picture */
    fx_text(dir, "carpet/license.txt", "text\n");
    fx_text(dir, "screw/train/good/Thumbs.db", "no picture\n");
}

/* A set of one's own in MVTec's layout with every kind of mask, a truncated JPEG, and links that lead out. */
FX void fx_tree_own(const char *dir) {
    char p[256], outside[IAD_PATH_MAX];
    fx_jpeg(dir, "line/widget/train/good/2.jpg", 1);
    fx_jpeg(dir, "line/widget/train/good/10.jpg", 2);
    fx_jpeg_grey(dir, "line/widget/train/good/11.jpeg", 3);
    fx_jpeg(dir, "line/widget/validation/good/1.jpg", 4);
    fx_jpeg(dir, "line/widget/test/good/1.jpg", 5);
    fx_jpeg_cut(dir, "line/widget/test/good/cut.jpg", FX_W, FX_H, 3, 6, 60);
    fx_text(dir, "line/widget/test/good/notes.png", "this is no picture");
    fx_text(dir, "line/widget/test/good/empty.png", "");
    fx_png(dir, "line/widget/test/loose.png", 7); /* in no folder that says what it is */
    static const char *const names[] = {"rgb", "zero_one", "size", "ids", "palette", "palette_back", "soft", "jpeg", "empty", "deep", "broken"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) fx_png(dir, FX_PATH(p, "line/widget/test/dent/%s.png", names[i]), 60 + i);
    const fx_rect green = {3, 3, 11, 9, 0, 128, 0}, ids[] = {{2, 2, 6, 6, 3, 0, 0}, {10, 2, 14, 6, 7, 0, 0}};
    fx_mask_rects(dir, "line/widget/ground_truth/dent/rgb.png", 3, &green, 1);
    fx_mask(dir, "line/widget/ground_truth/dent/zero_one.png", 6, 6, 1);
    iad_image other = fx_rects(64, 48, 1, &(fx_rect){8, 8, 16, 16, 255, 0, 0}, 1);
    fx_write_png(dir, "line/widget/ground_truth/dent/size.png", &other);
    fx_mask_rects(dir, "line/widget/ground_truth/dent/ids.png", 1, ids, 2);
    const uint8_t voc[3][3] = {{0, 0, 0}, {128, 0, 0}, {0, 128, 0}}, turned[2][3] = {{35, 164, 54}, {0, 0, 0}};
    const fx_rect indices[] = {{2, 2, 6, 6, 1, 0, 0}, {10, 2, 14, 6, 2, 0, 0}};
    fx_mask_palette(dir, "line/widget/ground_truth/dent/palette.png", indices, 2, voc, 3);
    const fx_rect all_but[] = {{0, 0, FX_W, 4, 1, 0, 0}, {0, 8, FX_W, FX_H, 1, 0, 0}, {0, 4, 4, 8, 1, 0, 0}, {12, 4, FX_W, 8, 1, 0, 0}};
    fx_mask_palette(dir, "line/widget/ground_truth/dent/palette_back.png", all_but, 4, turned, 2); /* index 0 is the defect */
    iad_image soft = fx_rects(FX_W, FX_H, 1, NULL, 0);
    for (int x = 0; x < FX_W; x++) iad_image_at(&soft, x, 5)[0] = (uint8_t)(8 * x), iad_image_at(&soft, x, 6)[0] = (uint8_t)(8 * x + 3);
    fx_write_png(dir, "line/widget/ground_truth/dent/soft.png", &soft);
    iad_err err = IAD_ERR_NONE;
    iad_buf jpeg;
    iad_image flat = fx_rects(FX_W, FX_H, 1, &(fx_rect){8, 8, 16, 16, 255, 0, 0}, 1);
    iad_buf_init(&jpeg, 1u << 20);
    fx_ok(iad_encode_jpeg(&flat, NULL, &jpeg, &err), "mask", &err);
    fx_bytes(dir, "line/widget/ground_truth/dent/jpeg.jpg", jpeg.data, jpeg.len);
    iad_buf_deinit(&jpeg);
    iad_image_deinit(&flat);
    fx_mask_empty(dir, "line/widget/ground_truth/dent/empty.png");
    fx_png16(dir, "line/widget/ground_truth/dent/deep.png", FX_W, FX_H, 0);
    fx_text(dir, "line/widget/ground_truth/dent/broken.png", "not a mask");
    FX_PATH(outside, "%s.outside", dir);
    fx_png(outside, "secret.png", 8);
    FX_PATH(outside, "../../../../../%s.outside/secret.png", iad_path_base(dir));
    fx_link(dir, "line/widget/test/good/link.png", outside);
    fx_link(dir, "line/widget/test/good/near.png", "../../train/good/2.jpg"); /* a link that stays inside is fine */
    fx_link(dir, "line/widget/test/good/gone.png", "nowhere.png");
}

/* DeepPCB's folders (boxes beside the masks), and a category without masks. */
FX void fx_tree_boxes(const char *dir) {
    fx_jpeg_grey(dir, "pcb_00041/train/good/00041000.jpg", 1);
    fx_jpeg_grey(dir, "pcb_00041/test/defect/00041000.jpg", 2);
    const fx_rect filled[] = {{2, 3, 11, 10, 255, 0, 0}, {20, 4, 31, 12, 255, 0, 0}};
    fx_mask_rects(dir, "pcb_00041/ground_truth/defect/00041000_mask.png", 1, filled, 2);
    fx_text(dir, "pcb_00041/boxes/00041000.txt", "2 3 10 9 3\r\n30 11 20 4 6\n\n");
    fx_jpeg_grey(dir, "pcb_00041/test/defect/00041001.jpg", 3); /* a broken box file */
    fx_text(dir, "pcb_00041/boxes/00041001.txt", "2 3 ten 9 3\n");
    fx_jpeg_grey(dir, "pcb_00041/test/defect/00041002.jpg", 4); /* boxes but no mask */
    fx_text(dir, "pcb_00041/boxes/00041002.txt", "0,0,3,3,1\n");
    fx_png(dir, "alien/train/good/1.png", 5);
    fx_png(dir, "alien/test/anomaly/1.png", 6);
}

FX void fx_tree_mpdd(const char *dir) {
    static const char *const names[] = {"bracket_black", "tubes"};
    for (unsigned c = 0; c < 2; c++) {
        char p[256];
        for (unsigned i = 0; i < 2; i++) {
            fx_png(dir, FX_PATH(p, "%s/train/good/%03u.png", names[c], i), 10 * c + i);
            fx_png(dir, FX_PATH(p, "%s/test/good/%03u.png", names[c], i), 10 * c + 2 + i);
            fx_png(dir, FX_PATH(p, "%s/test/%s/%03u.png", names[c], c ? "anomalous" : "hole", i), 10 * c + 4 + i);
            fx_mask(dir, FX_PATH(p, "%s/ground_truth/%s/%03u_mask.png", names[c], c ? "anomalous" : "hole", i), 5, 5, 255);
        }
    }
}

FX void fx_tree_dtd(const char *dir) {
    static const char *const names[] = {"Blotchy_099", "Woven_001"};
    for (unsigned c = 0; c < 2; c++) {
        char p[256];
        for (unsigned i = 0; i < 2; i++) {
            fx_png(dir, FX_PATH(p, "%s/train/good/%03u.png", names[c], i), 10 * c + i);
            fx_png(dir, FX_PATH(p, "%s/test/good/%03u.png", names[c], i), 10 * c + 2 + i);
            fx_png(dir, FX_PATH(p, "%s/test/bad/%03u.png", names[c], i), 10 * c + 4 + i);
            fx_mask(dir, FX_PATH(p, "%s/ground_truth/bad/%03u.png", names[c], i), 5, 5, 255); /* the picture's name */
        }
    }
}

FX void fx_tree_goodsad(const char *dir) {
    fx_jpeg(dir, "food_box/train/good/000001.jpg", 1);
    fx_jpeg(dir, "food_box/test/good/000001.jpg", 2);
    fx_jpeg(dir, "food_box/test/opened/000001.jpg", 3);
    fx_mask(dir, "food_box/ground_truth/opened/000001.png", 5, 5, 255);
    fx_jpeg(dir, "drink_can/train/good/000001.jpg", 4);
    fx_jpeg(dir, "drink_can/test/surface_damage/000001.jpg", 5);
    fx_mask(dir, "drink_can/ground_truth/surface_damage/000001.png", 6, 5, 255);
}

/* Class ids in the masks; the coloured copies beside them are not masks. */
FX void fx_tree_ds_mvtec(const char *dir) {
    const fx_rect ids[] = {{2, 2, 6, 6, 2, 0, 0}, {10, 2, 14, 6, 5, 0, 0}};
    fx_png(dir, "bottle/image/good/000.png", 1);
    fx_png(dir, "bottle/image/broken_large/000.png", 2);
    fx_mask_rects(dir, "bottle/mask/broken_large/000_mask.png", 1, ids, 2);
    fx_mask(dir, "bottle/rgb_mask/broken_large/000_mask.png", 1, 1, 200);
    fx_png(dir, "leather/image/glue/001.png", 3);
    fx_mask_rects(dir, "leather/mask/glue/001_mask.png", 1, ids, 1);
}

/* Raw VisA: names of three and of four digits, JPG in upper case, class ids, defect names and splits in lists. */
FX void fx_tree_visa_raw(const char *dir) {
    const fx_rect ids[] = {{2, 2, 6, 6, 3, 0, 0}, {10, 2, 14, 6, 7, 0, 0}};
    char p[256];
    for (unsigned i = 0; i < 4; i++) fx_jpeg(dir, FX_PATH(p, "candle/Data/Images/Normal/%04u.JPG", i), i);
    for (unsigned i = 0; i < 4; i++) fx_jpeg(dir, FX_PATH(p, "capsules/Data/Images/Normal/%03u.JPG", i), 10 + i);
    for (unsigned i = 0; i < 2; i++) fx_jpeg(dir, FX_PATH(p, "candle/Data/Images/Anomaly/%03u.JPG", i), 20 + i);
    for (unsigned i = 0; i < 2; i++) fx_jpeg(dir, FX_PATH(p, "capsules/Data/Images/Anomaly/%03u.JPG", i), 30 + i);
    fx_mask_rects(dir, "candle/Data/Masks/Anomaly/000.png", 1, ids, 2);
    fx_mask_rects(dir, "candle/Data/Masks/Anomaly/001.png", 1, ids, 1);
    fx_mask(dir, "capsules/Data/Masks/Anomaly/000.png", 4, 4, 1); /* class 1 alone looks like a plain mask */
    fx_text(dir, "candle/image_anno.csv",
            "image,label,mask\ncandle/Data/Images/Normal/0000.JPG,normal,\n"
            "candle/Data/Images/Anomaly/000.JPG,\"weird candle wick,wax melded out of the candle\",candle/Data/Masks/Anomaly/000.png\n"
            "candle/Data/Images/Anomaly/001.JPG,weird candle wick,candle/Data/Masks/Anomaly/001.png\n");
    fx_text(dir, "split_csv/1cls.csv",
            "object,split,label,image,mask\n"
            "candle,train,normal,candle/Data/Images/Normal/0000.JPG,\ncandle,train,normal,candle/Data/Images/Normal/0001.JPG,\n"
            "candle,test,normal,candle/Data/Images/Normal/0002.JPG,\ncandle,train,normal,candle/Data/Images/Normal/0099.JPG,\n"
            "candle,test,anomaly,candle/Data/Images/Anomaly/000.JPG,candle/Data/Masks/Anomaly/000.png\n"
            "candle,test,anomaly,candle/Data/Images/Anomaly/001.JPG,candle/Data/Masks/Anomaly/001.png\n"
            "capsules,train,normal,capsules/Data/Images/Normal/000.JPG,\ncapsules,train,normal,capsules/Data/Images/Normal/001.JPG,\n"
            "capsules,test,normal,capsules/Data/Images/Normal/002.JPG,\ncapsules,test,normal,capsules/Data/Images/Normal/003.JPG,\n"
            "capsules,test,anomaly,capsules/Data/Images/Anomaly/000.JPG,capsules/Data/Masks/Anomaly/000.png\n"
            "capsules,test,anomaly,capsules/Data/Images/Anomaly/001.JPG,../outside.png\n"
            "cashew,train,normal,cashew/Data/Images/Normal/000.JPG,\n");
    fx_text(dir, "split_csv/2cls_fewshot.csv",
            "object,split,label,image,mask\n"
            "candle,train,normal,candle/Data/Images/Normal/0000.JPG,\n"
            "candle,train,anomaly,candle/Data/Images/Anomaly/000.JPG,candle/Data/Masks/Anomaly/000.png\n"
            "candle,test,anomaly,candle/Data/Images/Normal/0001.JPG,\n"); /* contradicts the folder */
}

/* Re-packed VisA: below 1cls/, masks with the picture's name. */
FX void fx_tree_visa_1cls(const char *dir) {
    fx_jpeg(dir, "1cls/candle/train/good/0000.JPG", 1);
    fx_jpeg(dir, "1cls/candle/test/good/0001.JPG", 2);
    fx_jpeg(dir, "1cls/candle/test/bad/000.JPG", 3);
    fx_mask(dir, "1cls/candle/ground_truth/bad/000.png", 3, 3, 255);
    fx_jpeg(dir, "1cls/pcb4/train/good/0000.JPG", 4);
    fx_jpeg(dir, "1cls/pcb4/test/bad/000.JPG", 5);
    fx_mask(dir, "1cls/pcb4/ground_truth/bad/000.png", 4, 3, 255);
}

/* ... as ok and ko, and the two-class form with anomalies in train and masks per split. */
FX void fx_tree_visa_ko(const char *dir) {
    fx_jpeg(dir, "fryum/train/ok/000.JPG", 1);
    fx_jpeg(dir, "fryum/test/ok/001.JPG", 2);
    fx_jpeg(dir, "fryum/test/ko/000.JPG", 3);
    fx_mask(dir, "fryum/ground_truth/ko/000.png", 3, 3, 255);
    fx_jpeg(dir, "cashew/train/good/000.JPG", 4);
    fx_jpeg(dir, "cashew/train/bad/000.JPG", 5);
    fx_jpeg(dir, "cashew/test/bad/000.JPG", 6);
    fx_mask(dir, "cashew/ground_truth/train/bad/000.png", 3, 3, 255);
    fx_mask(dir, "cashew/ground_truth/test/bad/000.png", 9, 9, 255);
}

/* BTAD: BMP pictures with PNG masks, PNG with PNG, BMP with BMP. */
FX void fx_tree_btad(const char *dir) {
    char p[256];
    for (unsigned c = 1; c <= 3; c++) {
        const char *ext = c == 2 ? "png" : "bmp";
        for (unsigned i = 0; i < 2; i++) {
            static const char *const folders[] = {"train/ok", "test/ok", "test/ko"};
            for (unsigned f = 0; f < 3; f++) {
                FX_PATH(p, "BTech_Dataset_transformed/%02u/%s/%04u.%s", c, folders[f], i, ext);
                if (c == 2) fx_png(dir, p, 100 * c + 10 * f + i);
                else fx_bmp(dir, p, 100 * c + 10 * f + i);
            }
            FX_PATH(p, "BTech_Dataset_transformed/%02u/ground_truth/ko/%04u.%s", c, i, c == 3 ? "bmp" : "png");
            iad_image mask = fx_rects(FX_W, FX_H, 1, &(fx_rect){2, 2, (int)(8 + c), 8, 255, 0, 0}, 1);
            if (c == 3) fx_write_bmp(dir, p, &mask);
            else fx_write_png(dir, p, &mask);
        }
    }
}

/* MIAD: one scenario with NAME_mask.png, one with NAME.png, and the foreground masks that some add. */
FX void fx_tree_miad(const char *dir) {
    fx_jpeg(dir, "metal_welding/train/good/000000.jpg", 1);
    fx_jpeg(dir, "metal_welding/test/good/000000.jpg", 2);
    fx_jpeg(dir, "metal_welding/test/weld_scratch/000000.jpg", 3);
    fx_mask(dir, "metal_welding/ground_truth/weld_scratch/000000_mask.png", 3, 3, 255);
    fx_mask(dir, "metal_welding/mask/000000.png", 1, 1, 255);
    fx_png(dir, "wind_turbine/train/good/000000.png", 4);
    fx_png(dir, "wind_turbine/test/crack/000000.png", 5);
    fx_mask(dir, "wind_turbine/ground_truth/crack/000000.png", 3, 3, 255);
}

/* LOCO: several mask files a picture, whose values name the defect, and a validation split. */
FX void fx_tree_loco(const char *dir) {
    static const char *const names[] = {"breakfast_box", "screw_bag"};
    char p[256];
    for (unsigned c = 0; c < 2; c++) {
        for (unsigned i = 0; i < 2; i++) {
            static const char *const folders[] = {"train/good", "validation/good", "test/good", "test/logical_anomalies",
                                                  "test/structural_anomalies"};
            for (unsigned f = 0; f < 5; f++) fx_png(dir, FX_PATH(p, "%s/%s/%03u.png", names[c], folders[f], i), 100 * c + 10 * f + i);
            fx_mask(dir, FX_PATH(p, "%s/ground_truth/structural_anomalies/%03u/000.png", names[c], i), 3, 3, 249);
        }
        fx_mask(dir, FX_PATH(p, "%s/ground_truth/logical_anomalies/000/000.png", names[c]), 2, 2, 255);
        fx_mask(dir, FX_PATH(p, "%s/ground_truth/logical_anomalies/000/001.png", names[c]), 6, 4, 252); /* overlaps the first one */
        fx_mask(dir, FX_PATH(p, "%s/ground_truth/logical_anomalies/001/000.png", names[c]), 12, 4, 255);
    }
    fx_text(dir, "breakfast_box/defects_config.json",
            "[{\"defect_name\": \"missing_almonds\", \"pixel_value\": 255, \"saturation_threshold\": 600, \"relative_saturation\": false},\n"
            " {\"defect_name\": \"two_oranges\", \"pixel_value\": 252, \"saturation_threshold\": 1, \"relative_saturation\": true}]\n");
}

/* AD 2: ground_truth inside test_public, private tests without labels, several lights of one object. */
FX void fx_tree_ad2(const char *dir) {
    fx_png_grey(dir, "can/train/good/000_regular.png", 1);
    fx_png_grey(dir, "can/validation/good/000_regular.png", 2);
    fx_png_grey(dir, "can/test_public/good/000_regular.png", 3);
    fx_png_grey(dir, "can/test_public/good/000_shift_1.png", 4);
    fx_png_grey(dir, "can/test_public/bad/000_regular.png", 5);
    fx_png_grey(dir, "can/test_public/bad/000_overexposed.png", 6);
    fx_mask(dir, "can/test_public/ground_truth/bad/000_regular_mask.png", 3, 3, 255);
    fx_mask(dir, "can/test_public/ground_truth/bad/000_overexposed_mask.png", 3, 3, 255);
    fx_png_grey(dir, "can/test_private/000_regular.png", 7);
    fx_png_grey(dir, "can/test_private_mixed/000_underexposed.png", 8);
    fx_png(dir, "fabric/train/good/000_regular.png", 9);
    fx_png(dir, "fabric/test_public/bad/001_regular.png", 10);
    fx_mask(dir, "fabric/test_public/ground_truth/bad/001_regular_mask.png", 3, 3, 255);
}

/* Plain folders: named categories, defects inside bad/ and beside good/, masks, and pictures that nothing is known of. */
FX void fx_tree_folder(const char *dir) {
    fx_jpeg(dir, "nuts/OK/a.jpg", 1);
    fx_jpeg(dir, "nuts/OK/day2/b.jpg", 2);
    fx_jpeg(dir, "nuts/bad/c.jpg", 3);
    fx_jpeg(dir, "nuts/bad/rust/d.jpg", 4);
    fx_mask(dir, "nuts/masks/bad/c_mask.png", 3, 3, 255);
    fx_mask(dir, "nuts/masks/rust/d.png", 3, 3, 255);
    fx_png(dir, "bolts/normal/a.png", 5);
    fx_png(dir, "bolts/bent/a.png", 6); /* sorts before the normal folder beside it */
    fx_mask(dir, "bolts/gt/bent/a.png", 3, 3, 255);
    fx_png(dir, "misc/a.png", 7);
    fx_png(dir, "b.png", 8);
}

/* Lists: the same five records as CSV, TSV and JSON Lines, with records that cannot be used. */
FX void fx_tree_list(const char *dir) {
    fx_png(dir, "img/a.png", 1);
    fx_png(dir, "img/b, c.png", 2);
    fx_png(dir, "img/d.png", 3);
    fx_png(dir, "e.png", 4);
    fx_mask(dir, "gt/b1.png", 3, 3, 255);
    fx_mask(dir, "gt/b2.png", 15, 3, 255);
    fx_text(dir, "list.csv",
            "path,label,category,split,defect,mask,object_key,view,light,exemplar_ok,kind,mask_quality,note,boxes,weight\n"
            "img/a.png,good,nuts,train,,,n1,C1,regular,,object,,first,,1\n"
            "\"img/b, c.png\",1,nuts,test,scratch,gt/b1.png;gt/b2.png,n2,C1,,,,coarse,\"said \"\"b\"\"\",\"[[3,3,11,9,\"\"scratch\"\"]]\",1\n"
            "img/d.png,normal,nuts,train,,,,,,0,,,,,1\n"
            "e.png,,,,,,,,,,,,,,1\n"
            "img/a.png,anomalous,nuts,test,,,,,,,,,,,1\n"
            "img/none.png,normal,nuts,train,,,,,,,,,,,1\n"
            "img/d2.png,perhaps,nuts,train,,,,,,,,,,,1\n"
            "../secret.png,normal,nuts,train,,,,,,,,,,,1\n"
            "/etc/passwd,normal,nuts,train,,,,,,,,,,,1\n");
    fx_text(dir, "list.tsv",
            "path\tlabel\tcategory\tsplit\tdefect\tmask\tobject_key\tview\tlight\texemplar_ok\tkind\tmask_quality\tnote\tboxes\n"
            "img/a.png\tok\tnuts\ttrain\t\t\tn1\tC1\tregular\t\tobject\t\tfirst\t\n"
            "img/b, c.png\tanomaly\tnuts\ttest\tscratch\tgt/b1.png;gt/b2.png\tn2\tC1\t\t\t\tcoarse\tsaid \"b\"\t[[3,3,11,9,\"scratch\"]]\n"
            "img/d.png\t0\tnuts\ttrain\t\t\t\t\t\t0\t\t\t\t\n"
            "e.png\t\t\t\t\t\t\t\t\t\t\t\t\t\n");
    fx_text(dir, "list.jsonl",
            "{\"path\": \"/data/img/a.png\", \"label\": \"normal\", \"category\": \"nuts\", \"split\": \"train\", \"object_key\": \"n1\", \"view\": "
            "\"C1\", \"light\": \"regular\", \"kind\": \"object\", \"note\": \"first\"}\n"
            "{\"path\": \"/data/img/b, c.png\", \"label\": 1, \"category\": \"nuts\", \"split\": \"test\", \"defect\": \"scratch\", \"mask\": "
            "[\"/data/gt/b1.png\", \"/data/gt/b2.png\"], \"object_key\": \"n2\", \"view\": \"C1\", \"mask_quality\": \"coarse\", \"note\": \"said "
            "\\\"b\\\"\", \"boxes\": [[3, 3, 11, 9, \"scratch\"]]}\n\n"
            "{\"path\": \"/data/img/d.png\", \"label\": 0, \"category\": \"nuts\", \"split\": \"train\", \"exemplar_ok\": false}\n"
            "{\"path\": \"/data/e.png\", \"label\": null}\n"
            "{\"path\": \"/data/img/f.png\", \"label\": [1]}\n"
            "{broken\n");
}

#endif
