use cameo_core::tuning::{COARSE_SIDE, LOW_RES_SIDE, Roi};

use super::{BETWEEN_BARS, SmallOutputs, blob, read};
use crate::common::difference;
use crate::on_gpu;

/// The prior that the GPU computed.
struct Found {
    roi: Roi,
    person_present: bool,
    confidence: Vec<f32>,
    core: Vec<f32>,
    coarse_matte: Vec<f32>,
}

fn locate(outputs: SmallOutputs) -> Found {
    on_gpu(move |engine| {
        let prior = outputs.gpu_prior(engine);
        let roi = read::<u32>(&engine.context, &prior.roi);
        let planes = read::<[f32; 4]>(&engine.context, &prior.planes);
        let plane = |i: usize| planes.iter().map(|pixel| pixel[i]).collect();
        Found {
            roi: Roi { left: roi[0], top: roi[1], width: roi[2], height: roi[3] },
            person_present: roi[4] != 0,
            confidence: plane(0),
            core: plane(1),
            coarse_matte: plane(2),
        }
    })
}

#[test]
fn locate_agrees() {
    let person = SmallOutputs::person();
    let everywhere = vec![1.0; LOW_RES_SIDE * LOW_RES_SIDE];
    let cases = [
        ("a person", person.clone()),
        ("an animal", SmallOutputs { probability: 0.1, ..person.clone() }),
        ("a small photo", SmallOutputs { scene: Roi::whole(300, 200), ..person.clone() }),
        ("bars", SmallOutputs { scene: BETWEEN_BARS, ..person.clone() }),
        ("another subject", SmallOutputs { coarse_matte: blob(COARSE_SIDE, [0.8, 0.2], 0.1), ..person.clone() }),
        ("nobody", SmallOutputs { confidence: vec![0.0; LOW_RES_SIDE * LOW_RES_SIDE], ..person.clone() }),
        (
            "a crowd",
            SmallOutputs { confidence: everywhere, coarse_matte: vec![0.5; COARSE_SIDE * COARSE_SIDE], ..person },
        ),
    ];
    for (name, outputs) in cases {
        let want = outputs.cpu_prior();
        let found = locate(outputs);
        assert_eq!(found.roi, want.roi, "{name}");
        assert_eq!(found.person_present, want.person.is_some(), "{name}");
        assert!(difference(&found.coarse_matte, &want.coarse_matte.values).max < 1e-5, "{name}");
        if let Some(want) = want.person {
            assert_eq!(found.confidence, want.confidence.values, "{name}");
            assert_eq!(found.core, want.core.values, "{name}");
        }
    }
}

#[test]
fn locating_another_person_does_not_agree() {
    let want = SmallOutputs::person().cpu_prior();
    let found = locate(SmallOutputs { confidence: blob(LOW_RES_SIDE, [0.42, 0.55], 0.12), ..SmallOutputs::person() });
    assert!(found.roi != want.roi && found.confidence != want.person.unwrap().confidence.values, "nothing is compared");
}
